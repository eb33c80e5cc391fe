/**
 * When requests are meant to start: the open loop's clockwork, free of sockets and timers. The times depend on rate,
 * pattern and seed alone, never on what the server does; latency counts from them, which is what keeps coordinated
 * omission out. A backlog needs no memory: it is the distance between the schedule's position and the clock.
 */

/** `uniform`: equal gaps. `poisson`: exponential gaps, as from many users who know nothing of each other. */
export type Arrival = "uniform" | "poisson";

export interface ScheduleOptions {
  /** Requests per second, more than 0. */
  readonly rate: number;
  readonly arrival: Arrival;
  /** Whole number; the same seed gives the same gaps. */
  readonly seed: number;
  /** Time of the first request, in milliseconds of the caller's clock; a whole number keeps the sums above it exact. */
  readonly start: number;
}

/** A position in an endless sequence of intended times, in milliseconds of the caller's clock. */
export class Schedule {
  /** Intended time of the next request. */
  next: number;
  readonly #start: number;
  readonly #rate: number;
  readonly #random: (() => number) | undefined;
  #index = 0;

  constructor(options: ScheduleOptions) {
    this.#start = options.start;
    this.#rate = options.rate;
    this.#random = options.arrival === "poisson" ? seededRandom(options.seed) : undefined;
    this.next = options.start;
  }

  /** Whether a request should have been started by `now`. */
  isDue(now: number): boolean {
    return this.next <= now;
  }

  /** Returns the intended time of the next request and moves on. */
  take(): number {
    const intended = this.next;
    this.#index++;
    // Uniform times are multiplied, not added up (a day of thousandths would drift), and divided last: whole milliseconds
    // come out whole, so that a request due exactly at the end of a window is outside of it whatever the clock says.
    if (this.#random === undefined) this.next = this.#start + (this.#index * 1_000) / this.#rate;
    else this.next = intended - (Math.log(1 - this.#random()) * 1_000) / this.#rate;
    return intended;
  }

  /** How many requests lie between the position and `end`; exact for uniform, expected for Poisson arrivals. */
  countBefore(end: number): number {
    return this.next >= end ? 0 : Math.ceil(((end - this.next) * this.#rate) / 1_000);
  }
}

/** Mulberry32: numbers from 0 to below 1, the same for the same seed on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
