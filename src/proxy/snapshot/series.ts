/**
 * Reads the counters of all traffic loops as one. Each loop has its own pages of shared memory; a series with the
 * same name and labels in several loops is summed here, so nobody outside sees how many loops there are.
 */
import { LATENCY_BLOCK, PAGE_SLOTS, REQUEST_BLOCK } from "../telemetry/slots.ts";
import type { SeriesInfo } from "./loop-protocol.ts";

const LAYOUT_SLOTS: Readonly<Record<SeriesInfo["layout"], number>> = {
  counter: 1,
  gauge: 1,
  request: REQUEST_BLOCK.slots,
  latency: LATENCY_BLOCK.slots,
};

interface Place {
  readonly page: Float64Array;
  readonly offset: number;
}

/** One series over all loops. */
export class Series {
  readonly layout: SeriesInfo["layout"];
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly #places: Place[] = [];

  constructor(info: SeriesInfo) {
    this.layout = info.layout;
    this.name = info.name;
    this.labels = info.labels;
  }

  add(place: Place): void {
    this.#places.push(place);
  }

  /** The present value of a slot of the block, summed over the loops. */
  read(slot = 0): number {
    let sum = 0;
    for (const { page, offset } of this.#places) sum += page[offset + slot] ?? 0;
    return sum;
  }

  /** Number of slots in the block. */
  get slots(): number {
    return LAYOUT_SLOTS[this.layout];
  }
}

export class SeriesTable {
  readonly #pages = new Map<number, Float64Array[]>();
  readonly #series = new Map<string, Series>();

  /** A page of a loop; pages arrive in the order of their numbers. */
  addPage(loop: number, buffer: SharedArrayBuffer): void {
    const pages = this.#pages.get(loop);
    const page = new Float64Array(buffer, 0, PAGE_SLOTS);
    if (pages !== undefined) pages.push(page);
    else this.#pages.set(loop, [page]);
  }

  addSeries(loop: number, infos: readonly SeriesInfo[]): void {
    for (const info of infos) {
      const page = this.#pages.get(loop)?.[info.page];
      if (page === undefined) continue;
      const key = keyOf(info);
      let series = this.#series.get(key);
      if (series === undefined) {
        series = new Series(info);
        this.#series.set(key, series);
      }
      series.add({ page, offset: info.offset });
    }
  }

  /** All series of a layout, in order of first appearance. */
  *of(layout: SeriesInfo["layout"]): Generator<Series> {
    for (const series of this.#series.values()) if (series.layout === layout) yield series;
  }

  get size(): number {
    return this.#series.size;
  }
}

function keyOf({ layout, name, labels }: SeriesInfo): string {
  const names = Object.keys(labels).sort();
  return JSON.stringify([layout, name, ...names.flatMap((label) => [label, labels[label]])]);
}
