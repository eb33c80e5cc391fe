/** Connections between sidecars that requests share, by the listener they belong to. */
import { addTo, type Block, type SlotAllocator } from "./slot-allocator.ts";

export class HopSeries {
  readonly #total: Block;
  readonly #active: Block;

  constructor(allocator: SlotAllocator, listener: "inbound" | "outbound") {
    this.#total = allocator.allocate("counter", "weft_hop_connections_total", { listener });
    this.#active = allocator.allocate("gauge", "weft_hop_connections_active", { listener });
  }

  opened(): void {
    addTo(this.#total, 1);
    addTo(this.#active, 1);
  }

  closed(): void {
    addTo(this.#active, -1);
  }
}
