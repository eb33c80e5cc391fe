/** What policy refused, by reason, and what it audited. Reasons are a fixed set of words. */
import { addTo, type Block, type SlotAllocator } from "./slot-allocator.ts";

export class AuthorizationSeries {
  readonly #allocator: SlotAllocator;
  readonly #denied = new Map<string, Block>();
  #audited: Block | undefined;

  constructor(allocator: SlotAllocator) {
    this.#allocator = allocator;
  }

  denied(reason: string): void {
    let block = this.#denied.get(reason);
    if (block === undefined) {
      block = this.#allocator.allocate("counter", "weft_authorization_denied_total", { reason });
      this.#denied.set(reason, block);
    }
    addTo(block, 1);
  }

  audited(): void {
    this.#audited ??= this.#allocator.allocate("counter", "weft_authorization_audited_total", {});
    addTo(this.#audited, 1);
  }
}
