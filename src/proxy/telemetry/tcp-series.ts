/** Istio's TCP metrics, for what is tunnelled rather than read: CONNECT, upgrades, later TCP services. */
import type { Block, SlotAllocator } from "./slot-allocator.ts";

export class TcpSeries {
  readonly #opened: Block;
  readonly #closed: Block;
  readonly #sent: Block;
  readonly #received: Block;

  constructor(allocator: SlotAllocator, labels: Readonly<Record<string, string>>) {
    this.#opened = allocator.allocate("counter", "tcp_connections_opened_total", labels);
    this.#closed = allocator.allocate("counter", "tcp_connections_closed_total", labels);
    this.#sent = allocator.allocate("counter", "tcp_sent_bytes_total", labels);
    this.#received = allocator.allocate("counter", "tcp_received_bytes_total", labels);
  }

  opened(): void {
    this.#opened.page[this.#opened.offset]!++;
  }

  /** `sentBytes` went to the client, `receivedBytes` came from it, as in Istio. */
  closed(sentBytes: number, receivedBytes: number): void {
    this.#closed.page[this.#closed.offset]!++;
    this.#sent.page[this.#sent.offset]! += sentBytes;
    this.#received.page[this.#received.offset]! += receivedBytes;
  }
}
