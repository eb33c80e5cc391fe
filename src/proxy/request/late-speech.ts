/**
 * A connection that was joined to a server because its client was silent for too long. If the client is the first to speak after all, and
 * speaks HTTP, it was only slow, or had opened the connection beforehand: passed on unread it would follow no route and no policy
 * about requests for as long as it is kept. (Linkerd and Istio decide once.) Whoever else speaks, or a server that ends, ends the doubt:
 * there would be no way back for an answer.
 */
import { looksLikeRequest, SILENCE_MS } from "../http/looks-like-request.ts";
import type { Splice } from "../net/splice.ts";
import { Timed } from "../net/timer-wheel.ts";
import type { Sink } from "../net/transport.ts";
import type { Exchange } from "./exchange.ts";

export class LateSpeech extends Timed implements Sink {
  readonly #exchange: Exchange;
  readonly #splice: Splice;
  readonly #onHttp: (request: Buffer) => void;
  /** Whose the client's bytes are otherwise. */
  readonly #sink: Sink;
  /** Too little to tell. */
  #early: Buffer | null = null;

  /** `onHttp` is told the beginning of a request, in memory of its own; the transport's sink is then its to set. */
  constructor(exchange: Exchange, splice: Splice, onHttp: (request: Buffer) => void) {
    super();
    const { transport } = exchange.connection;
    this.#exchange = exchange;
    this.#splice = splice;
    this.#onHttp = onHttp;
    this.#sink = transport.sink;
    transport.sink = this;
  }

  onData(buf: Buffer, start: number, end: number): void {
    const { wheel } = this.#exchange.listener.loop;
    const part = buf.subarray(start, end);
    const bytes = this.#early === null ? Buffer.from(part) : Buffer.concat([this.#early, part]);
    const hasServerSpoken = this.#exchange.responseBytes > 0 || this.#splice.hasUpstreamEnded;
    const likeness = hasServerSpoken ? "other" : looksLikeRequest(bytes, 0, bytes.length);
    if (likeness === "undecided") {
      if (this.#early === null) wheel.set(this, wheel.now() + SILENCE_MS);
      this.#early = bytes;
      return;
    }
    this.#early = bytes;
    if (likeness === "other") this.#pass();
    else {
      wheel.remove(this);
      this.#onHttp(bytes);
    }
  }

  override onDeadline(): void {
    this.#pass();
  }

  onEnd(): void {
    this.#pass();
    this.#sink.onEnd();
  }

  onDrain(): void {
    this.#sink.onDrain();
  }

  onClose(error: NodeJS.ErrnoException | null): void {
    this.#exchange.listener.loop.wheel.remove(this);
    this.#sink.onClose(error);
  }

  /** It is not HTTP: nobody looks any more. */
  #pass(): void {
    const { connection, listener } = this.#exchange;
    listener.loop.wheel.remove(this);
    connection.transport.sink = this.#sink;
    if (this.#early !== null) this.#sink.onData(this.#early, 0, this.#early.length);
  }
}
