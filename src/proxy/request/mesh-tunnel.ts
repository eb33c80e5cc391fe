/**
 * A tunnel to an application behind another sidecar: CONNECT again, on the hop, so that TCP too goes under mutual TLS and is
 * admitted by the policy over there. A server that speaks first does so behind the answer.
 */
import { ClientConnection, type ResponseHandler, type UpstreamFault } from "../http1/client-connection.ts";
import { connectCause, connectDetail } from "./connect-cause.ts";
import { dialOf } from "./dial.ts";
import type { UpstreamEndpoint } from "./listener-context.ts";
import type { Opening, TcpTunnel } from "./tcp-tunnel.ts";

const X_WEFT_ERROR = Buffer.from("x-weft-error", "latin1");

export class MeshTunnel implements ResponseHandler, Opening {
  readonly #tunnel: TcpTunnel;
  readonly #target: string;
  readonly #connection: ClientConnection;

  constructor(tunnel: TcpTunnel, endpoint: UpstreamEndpoint) {
    const { cluster, exchange } = tunnel;
    const { listener } = exchange;
    const { maxHeadBytes, maxHeaders } = listener.limits;
    this.#tunnel = tunnel;
    this.#target = cluster.name;
    this.#connection = new ClientConnection(
      cluster.stats.connection(),
      dialOf(cluster, endpoint, listener),
      this,
      maxHeadBytes,
      maxHeaders,
    );
  }

  close(): void {
    this.#connection.abandon();
  }

  onConnected(): void {
    const head = `CONNECT ${this.#target} HTTP/1.1\r\nhost: ${this.#target}\r\n\r\n`;
    // As the answer to HEAD: a 200 to CONNECT has no body, whatever its fields say (RFC 9110 §9.3.6).
    this.#connection.begin(this, true, true);
    this.#connection.transport.write(Buffer.from(head, "latin1"));
  }

  onResponse(): void {
    const { head } = this.#connection;
    if (head.status < 200) return;
    if (head.status !== 200) {
      const field = head.findName(X_WEFT_ERROR);
      const detail = field < 0 ? String(head.status) : head.value(field);
      this.#tunnel.failed(this, head.status === 403 ? "access_denied" : "tunnel_refused", detail);
      this.#connection.abandon();
      return;
    }
    const early = this.#connection.becomeTunnel();
    this.#tunnel.joined(this, this.#connection.transport, early, () => this.#connection.endTunnel());
  }

  onUpstreamFault(fault: UpstreamFault, error: NodeJS.ErrnoException | null): void {
    if (fault === "connect") this.#tunnel.failed(this, connectCause(error), connectDetail(error));
    else this.#tunnel.failed(this, fault === "closed" ? "upstream_closed" : "upstream_malformed", "");
  }

  onResponseBody(): void {}
  onUpstreamDrain(): void {}
}
