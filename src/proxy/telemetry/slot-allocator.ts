/**
 * Hands out slots of shared pages and tells the control thread where each series lives. Called when configuration arrives or
 * a combination of labels occurs for the first time, never per request.
 */
import { LATENCY_BLOCK, PAGE_SLOTS, REQUEST_BLOCK } from "./slots.ts";

export type SeriesLayout = "counter" | "gauge" | "request" | "latency";

/** Announced to the control thread (snapshot/loop-protocol.ts). */
export interface AllocatedSeries {
  readonly page: number;
  readonly offset: number;
  readonly layout: SeriesLayout;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One block: `page[offset + slot]`. */
export interface Block {
  readonly page: Float64Array;
  readonly offset: number;
}

/** Adds to the first slot of a block: a counter or a gauge. */
export function addTo(block: Block, amount: number): void {
  block.page[block.offset]! += amount;
}

const SLOTS: Readonly<Record<SeriesLayout, number>> = {
  counter: 1,
  gauge: 1,
  request: REQUEST_BLOCK.slots,
  latency: LATENCY_BLOCK.slots,
};

export class SlotAllocator {
  readonly #onPage: (buffer: SharedArrayBuffer) => void;
  readonly #onSeries: (series: AllocatedSeries) => void;
  #page: Float64Array = new Float64Array(0);
  #pageNumber = -1;
  #used = PAGE_SLOTS;

  constructor(onPage: (buffer: SharedArrayBuffer) => void, onSeries: (series: AllocatedSeries) => void) {
    this.#onPage = onPage;
    this.#onSeries = onSeries;
  }

  allocate(layout: SeriesLayout, name: string, labels: Readonly<Record<string, string>>): Block {
    const slots = SLOTS[layout];
    if (this.#used + slots > PAGE_SLOTS) {
      const buffer = new SharedArrayBuffer(PAGE_SLOTS * Float64Array.BYTES_PER_ELEMENT);
      this.#page = new Float64Array(buffer);
      this.#pageNumber++;
      this.#used = 0;
      this.#onPage(buffer);
    }
    const offset = this.#used;
    this.#used += slots;
    this.#onSeries({ page: this.#pageNumber, offset, layout, name, labels });
    return { page: this.#page, offset };
  }
}
