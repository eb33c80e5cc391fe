/** In a traffic loop: asks the meter ten times a second what is to be said of common limits, as long as there are any. */
import type { DemandReport } from "../discovery/rate-limit.ts";
import { type Meter, TICK_MS } from "./limit/meter.ts";

export interface DemandTickerOptions {
  readonly send: (report: DemandReport) => void;
  readonly now: () => number;
}

export class DemandTicker {
  readonly #meter: Meter;
  readonly #options: DemandTickerOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(meter: Meter, options: DemandTickerOptions) {
    this.#meter = meter;
    this.#options = options;
  }

  /** The configuration may be another. */
  look(): void {
    if (!this.#meter.isNeeded || this.#timer !== undefined) return;
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    const report = this.#meter.report(this.#options.now());
    if (report !== null) this.#options.send(report);
    if (this.#meter.isNeeded) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
