/** Counters and gauges of one cluster's connections, in shared slots. */
import type { Block, SlotAllocator } from "../telemetry/slot-allocator.ts";

export class ClusterStats {
  readonly #opened: Block;
  readonly #active: Block;
  readonly #connectFailures: Block;

  constructor(allocator: SlotAllocator, cluster: string) {
    const labels = { cluster };
    this.#opened = allocator.allocate("counter", "weft_upstream_connections_total", labels);
    this.#active = allocator.allocate("gauge", "weft_upstream_connections_active", labels);
    this.#connectFailures = allocator.allocate("counter", "weft_upstream_connect_failures_total", labels);
  }

  connectionOpened(): void {
    this.#opened.page[this.#opened.offset]!++;
    this.#active.page[this.#active.offset]!++;
  }

  connectionClosed(wasOpen: boolean): void {
    const block = wasOpen ? this.#active : this.#connectFailures;
    block.page[block.offset]! += wasOpen ? -1 : 1;
  }
}
