/** A way to a port on which each byte of the client's goes alone. */
import { once } from "node:events";
import net from "node:net";

export interface Relay {
  readonly port: number;
  close(): void;
}

/** `maxBytes`: how many are passed on; the rest never comes. */
export async function drippingRelay(port: number, maxBytes = Number.POSITIVE_INFINITY): Promise<Relay> {
  const server = net.createServer((client) => {
    const far = net.connect({ port, host: "127.0.0.1", noDelay: true });
    let waiting = Buffer.alloc(0);
    let isBusy = false;
    let passed = 0;
    const pass = (): void => {
      isBusy = waiting.length > 0 && passed < maxBytes;
      if (!isBusy) return;
      passed++;
      far.write(waiting.subarray(0, 1), () => setImmediate(pass));
      waiting = waiting.subarray(1);
    };
    client.on("data", (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      if (!isBusy) pass();
    });
    far.on("data", (chunk) => client.write(chunk));
    far.on("close", () => client.destroy());
    client.on("close", () => far.destroy());
    for (const socket of [client, far]) socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as net.AddressInfo).port, close: () => server.close() };
}
