/**
 * As many requests at once as a service takes without getting slower: Envoy's gradient controller. Now and then few requests are
 * let through to learn how fast it is when it is idle; between, the limit follows how far latency has moved from that.
 */
import type { AdaptiveConcurrency as Settings } from "../../discovery/resilience.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { Random } from "./balancer.ts";

export const ADAPTIVE_DEFAULTS = {
  updateIntervalMs: 100,
  minRttIntervalMs: 60_000,
  minRttRequests: 50,
  minConcurrency: 3,
  buffer: 0.25,
  maxConcurrency: 1_000,
} as const satisfies Settings;

/** Envoy's: the interval of the measurement wavers by this, so that callers do not measure together. */
const JITTER = 0.15;
const LEAST_GRADIENT = 0.5;
const GREATEST_GRADIENT = 2;
/** Latencies of one window that are kept; later ones take the place of earlier. */
const MAX_SAMPLES = 1_024;
/** After so many updates at the least limit the service's idle latency is thought to have changed (Envoy's). */
const STUCK_UPDATES = 5;

export class AdaptiveConcurrency extends Timed {
  limit: number;
  #settings: Required<Settings>;
  readonly #wheel: TimerWheel;
  readonly #random: Random;
  readonly #onLimit: (limit: number) => void;
  readonly #samples = new Float64Array(MAX_SAMPLES);
  #count = 0;
  #isMeasuring = true;
  #minRtt = 0;
  #measureAt = 0;
  #limitBefore: number;
  #stuck = 0;

  constructor(settings: Settings, wheel: TimerWheel, random: Random, onLimit: (limit: number) => void) {
    super();
    this.#settings = { ...ADAPTIVE_DEFAULTS, ...settings };
    this.#wheel = wheel;
    this.#random = random;
    this.#onLimit = onLimit;
    this.limit = this.#settings.minConcurrency;
    this.#limitBefore = this.limit;
    onLimit(this.limit);
  }

  set settings(settings: Settings) {
    this.#settings = { ...ADAPTIVE_DEFAULTS, ...settings };
  }

  admits(active: number): boolean {
    return active < this.limit;
  }

  /** A request was answered in `ms`. */
  observe(ms: number): void {
    this.#samples[this.#count++ % MAX_SAMPLES] = ms;
    if (this.#isMeasuring) {
      if (this.#count >= this.#settings.minRttRequests) this.#measured();
    } else if (this.deadline === 0)
      this.#wheel.set(this, this.#wheel.now() + this.#settings.updateIntervalMs);
  }

  stop(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(now: number): void {
    if (this.#isMeasuring) return;
    if (now >= this.#measureAt || this.#stuck >= STUCK_UPDATES) {
      this.#measure();
      return;
    }
    if (this.#count === 0) return;
    const rtt = this.#median();
    const { buffer, minConcurrency, maxConcurrency } = this.#settings;
    const gradient = Math.min(
      GREATEST_GRADIENT,
      Math.max(LEAST_GRADIENT, (this.#minRtt * (1 + buffer)) / Math.max(rtt, Number.EPSILON)),
    );
    const scaled = this.limit * gradient;
    this.#set(Math.min(maxConcurrency, Math.max(minConcurrency, Math.round(scaled + Math.sqrt(scaled)))));
    this.#stuck = this.limit === minConcurrency ? this.#stuck + 1 : 0;
    this.#count = 0;
  }

  #measure(): void {
    this.#isMeasuring = true;
    this.#count = 0;
    this.#stuck = 0;
    this.#limitBefore = this.limit;
    this.#set(Math.min(this.limit, this.#settings.minConcurrency));
  }

  #measured(): void {
    this.#minRtt = this.#median();
    this.#count = 0;
    this.#isMeasuring = false;
    const waver = 1 - JITTER + 2 * JITTER * this.#random();
    const now = this.#wheel.now();
    this.#measureAt = now + this.#settings.minRttIntervalMs * waver;
    this.#set(this.#limitBefore);
    this.#wheel.set(this, now + this.#settings.updateIntervalMs);
  }

  #set(limit: number): void {
    if (limit === this.limit) return;
    this.limit = limit;
    this.#onLimit(limit);
  }

  #median(): number {
    const sorted = this.#samples.slice(0, Math.min(this.#count, MAX_SAMPLES)).sort();
    return sorted[sorted.length >> 1]!;
  }
}
