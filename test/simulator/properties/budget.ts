/**
 * Retries stay within the budget's two rules, as far as clients and instances can tell: they know requests and which of them came
 * again, not what the product counted. Between the decision and the arrival there is back-off and connecting, hence the slack.
 */
import {
  DEFAULT_MIN_CONCURRENCY,
  DEFAULT_MIN_PER_SECOND,
  DEFAULT_PERCENT,
} from "../../../src/proxy/clusters/retry-budget.ts";
import type { Request } from "../client.ts";
import type { Arrival } from "../instance.ts";
import { type Property, Recent, type Say } from "../property.ts";
import type { World } from "../world.ts";

/** Most time between the decision to try again and the arrival. */
const SLACK_MS = 1_300;
/** What is looked at: the product's own window is too short to tell when something was decided. */
const SPAN_MS = 5_000;
/** Requests are counted by parts of this. */
const PART_MS = 100;
/** The product's window is at least so many parts, and at most one more. */
const WINDOW_PARTS = 9;

export class Budget implements Property {
  readonly #world: World;
  readonly #say: Say;
  /** Of each part of time. */
  readonly #requests: number[] = [];
  #again = new Recent(SPAN_MS);
  #settings: unknown;
  #since = 0;
  #retrying = 0;
  #open = 0;

  constructor(world: World, say: Say) {
    this.#world = world;
    this.#say = say;
    this.#settings = world.cluster.settings;
  }

  /** Of the requests under way, retries are at most a share. */
  onStep(): void {
    const { cluster, clients, setup } = this.#world;
    const { percent = DEFAULT_PERCENT, minConcurrency = DEFAULT_MIN_CONCURRENCY } =
      cluster.settings.retryBudget ?? {};
    const { retrying } = cluster;
    if (retrying > this.#retrying && cluster.settings.breaker?.maxRetries === undefined) {
      const tries = this.#open * (setup.rule?.retry?.hedge === undefined ? 1 : 2);
      const most = Math.ceil(Math.max(minConcurrency, (percent / 100) * tries));
      if (retrying > most) this.#say(`${retrying} retries at once, of ${this.#open} requests`);
    }
    this.#retrying = retrying;
    this.#open = clients.open.size;
  }

  onSent(): void {
    const part = Math.floor(this.#world.timeline.elapsed / PART_MS);
    this.#requests[part] = (this.#requests[part] ?? 0) + 1;
  }

  /** Of those that have come lately, too. What had no connection was no load, and what follows it no retry. */
  onArrival(_arrival: Arrival, request: Request | undefined): void {
    const { cluster, timeline } = this.#world;
    const { now, elapsed } = timeline;
    const { settings } = cluster;
    if (this.#settings !== settings) {
      // Another budget begins anew.
      this.#settings = settings;
      this.#since = elapsed + SLACK_MS;
      this.#again = new Recent(SPAN_MS);
    }
    const isAgain = request !== undefined && request.arrivals > 1;
    if (!isAgain || settings.breaker?.maxRetries !== undefined || elapsed < this.#since) return;
    this.#again.add(now);
    const again = this.#again.within(SPAN_MS, now);
    const most = this.#allowed(elapsed - SPAN_MS - SLACK_MS, elapsed);
    if (again > most) this.#say(`${again} tries again in ${SPAN_MS} ms, not ${most}`);
  }

  /** Most retries that may be decided on in a span of time. */
  #allowed(from: number, to: number): number {
    const { percent = DEFAULT_PERCENT, minPerSecond = DEFAULT_MIN_PER_SECOND } =
      this.#world.cluster.settings.retryBudget ?? {};
    let most = 0;
    for (let end = Math.floor(to / PART_MS); end * PART_MS > from; end -= WINDOW_PARTS) {
      let requests = 0;
      for (let part = end - WINDOW_PARTS; part <= end; part++) requests += this.#requests[part] ?? 0;
      most += Math.ceil(Math.max(minPerSecond, (percent / 100) * requests));
    }
    return most;
  }
}
