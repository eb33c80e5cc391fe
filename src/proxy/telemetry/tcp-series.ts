/** Istio's TCP metrics of one destination, for what is tunnelled rather than read: TCP services, CONNECT, upgrades. */
import { addTo, type Block, type SlotAllocator } from "./slot-allocator.ts";

/** Labels of the series, with this as `response_flags`. */
export type TcpLabels = (flag: string) => Readonly<Record<string, string>>;

export class TcpSeries {
  readonly #allocator: SlotAllocator;
  readonly #labels: TcpLabels;
  readonly #opened: Block;
  readonly #closed: Block;
  readonly #sent: Block;
  readonly #received: Block;
  /** By flag. */
  readonly #refused = new Map<string, readonly Block[]>();

  constructor(allocator: SlotAllocator, labels: TcpLabels) {
    const counter = (name: string) => allocator.allocate("counter", name, labels("-"));
    this.#allocator = allocator;
    this.#labels = labels;
    this.#opened = counter("tcp_connections_opened_total");
    this.#closed = counter("tcp_connections_closed_total");
    this.#sent = counter("tcp_sent_bytes_total");
    this.#received = counter("tcp_received_bytes_total");
  }

  opened(): void {
    addTo(this.#opened, 1);
  }

  closed(): void {
    addTo(this.#closed, 1);
  }

  /** To the client, as in Istio. */
  sent(bytes: number): void {
    addTo(this.#sent, bytes);
  }

  /** From the client. */
  received(bytes: number): void {
    addTo(this.#received, bytes);
  }

  /** A connection that went nowhere, for the reason that `flag` gives; opened and closed, as in Istio. */
  refused(flag: string): void {
    let blocks = this.#refused.get(flag);
    if (blocks === undefined) {
      blocks = ["tcp_connections_opened_total", "tcp_connections_closed_total"].map((name) =>
        this.#allocator.allocate("counter", name, this.#labels(flag)),
      );
      this.#refused.set(flag, blocks);
    }
    for (const block of blocks) addTo(block, 1);
  }
}
