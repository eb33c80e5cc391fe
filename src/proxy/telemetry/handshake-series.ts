/** TLS handshakes of one listener: completed ones by kind, failed ones by reason. Reasons are a fixed set of words. */
import { addTo, type Block, type SlotAllocator } from "./slot-allocator.ts";

export class HandshakeSeries {
  readonly #allocator: SlotAllocator;
  readonly #listener: string;
  readonly #blocks = new Map<string, Block>();

  constructor(allocator: SlotAllocator, listener: "inbound" | "outbound") {
    this.#allocator = allocator;
    this.#listener = listener;
  }

  completed(isResumed: boolean): void {
    this.#count("weft_tls_handshakes_total", "kind", isResumed ? "resumed" : "full");
  }

  failed(reason: string): void {
    this.#count("weft_tls_handshake_failures_total", "reason", reason);
  }

  #count(name: string, label: string, value: string): void {
    const key = `${label} ${value}`;
    let block = this.#blocks.get(key);
    if (block === undefined) {
      block = this.#allocator.allocate("counter", name, { listener: this.#listener, [label]: value });
      this.#blocks.set(key, block);
    }
    addTo(block, 1);
  }
}
