/** Requests that rate limits have counted, by limit and result. Limits are those of the configuration: a bounded set of names. */
import { addTo, type Block, type SlotAllocator } from "./slot-allocator.ts";

export class RateLimitSeries {
  readonly #allocator: SlotAllocator;
  readonly #limits = new Map<string, LimitSeries>();

  constructor(allocator: SlotAllocator) {
    this.#allocator = allocator;
  }

  /** Counters of one limit; the same for the same name. */
  of(limit: string): LimitSeries {
    let series = this.#limits.get(limit);
    if (series === undefined) {
      series = new LimitSeries(this.#allocator, limit);
      this.#limits.set(limit, series);
    }
    return series;
  }
}

class LimitSeries {
  readonly #passed: Block;
  readonly #limited: Block;

  constructor(allocator: SlotAllocator, limit: string) {
    const block = (result: string) =>
      allocator.allocate("counter", "weft_rate_limit_requests_total", { limit, result });
    this.#passed = block("ok");
    this.#limited = block("limited");
  }

  passed(): void {
    addTo(this.#passed, 1);
  }

  limited(): void {
    addTo(this.#limited, 1);
  }
}
