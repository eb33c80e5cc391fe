/** What must be true of every run, checked at every step of it. A property sees what clients and instances see. */
import type { Outcome, Request } from "./client.ts";
import type { Arrival, Instance } from "./instance.ts";

export interface Property {
  /** Something has happened. */
  onStep?(): void;
  onSent?(request: Request): void;
  /** `request` is undefined when it has ended already. */
  onArrival?(arrival: Arrival, request: Request | undefined): void;
  /** `arrival` null: a connection was refused. */
  onFailure?(arrival: Arrival | null, instance: Instance, why: string): void;
  onEnded?(outcome: Outcome): void;
  /** What no client should see. */
  onFault?(what: string): void;
  /** All requests should be over, and connections that nobody needs closed. */
  onQuiet?(): void;
}

/** Reports that a property does not hold. */
export type Say = (what: string) => void;

/** Times of which those of a while are counted; none is added before another. */
export class Recent {
  readonly #times: number[] = [];
  readonly #keptMs: number;
  #first = 0;

  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  add(at: number): void {
    this.#times.push(at);
  }

  /** How many there are after `now - ms`; `ms` is no longer than what is kept. */
  within(ms: number, now: number): number {
    const times = this.#times;
    while ((times[this.#first] ?? now) <= now - this.#keptMs) this.#first++;
    let low = this.#first;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] ?? now) <= now - ms) low = middle + 1;
      else high = middle;
    }
    return times.length - low;
  }
}
