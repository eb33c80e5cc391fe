/** An API server that from time to time takes requests and says nothing, as behind a network that drops packets. */
import { once } from "node:events";
import net, { type AddressInfo, type Socket } from "node:net";
import { apiOf, type KubernetesApi } from "../../../src/control-plane/source/kubernetes/api.ts";

export class SilentApi {
  /** Requests that begin now are never answered. */
  isSilent = false;
  /** Of those that were not. */
  taken = 0;
  readonly api: KubernetesApi;
  readonly #server = net.createServer((socket) => {
    this.taken++;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.resume();
  });
  readonly #sockets = new Set<Socket>();
  #nobody: KubernetesApi | undefined;

  /** `real`: who answers otherwise. */
  constructor(real: KubernetesApi) {
    const chosen = () => (this.isSilent && this.#nobody !== undefined ? this.#nobody : real);
    this.api = {
      send: (request) => chosen().send(request),
      stream: (request, opened, take) => chosen().stream(request, opened, take),
    };
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    this.#nobody = apiOf(`http://127.0.0.1:${port}`, { applyToHTTPSOptions: async () => {} });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
