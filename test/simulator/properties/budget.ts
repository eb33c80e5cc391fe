/**
 * Retries stay within the budget's two rules, as far as clients and instances can tell: they know requests and what of them came
 * again, not what the product counted. Between the decision and the arrival there is back-off and connecting, hence the slack.
 */
import {
  DEFAULT_MIN_CONCURRENCY,
  DEFAULT_MIN_PER_SECOND,
  DEFAULT_PERCENT,
  WINDOW_S,
} from "../../../src/proxy/clusters/retry-budget.ts";
import type { Request } from "../client.ts";
import type { Arrival } from "../instance.ts";
import { type Property, Recent, type Say } from "../property.ts";
import type { World } from "../world.ts";

/** Most time between the decision to try again and the arrival. */
export const SLACK_MS = 2_000;
const WINDOW_MS = 1_000 * WINDOW_S;

export class Budget implements Property {
  readonly #world: World;
  readonly #say: Say;
  readonly #requests = new Recent(WINDOW_MS + SLACK_MS);
  #again = new Recent(WINDOW_MS);
  #settings: unknown;
  #retrying = 0;
  #open = 0;

  constructor(world: World, say: Say) {
    this.#world = world;
    this.#say = say;
  }

  /** Of the requests under way, retries are at most a share. */
  onStep(): void {
    const { cluster, clients } = this.#world;
    const { percent = DEFAULT_PERCENT, minConcurrency = DEFAULT_MIN_CONCURRENCY } =
      cluster.settings.retryBudget ?? {};
    const { retrying } = cluster;
    if (retrying > this.#retrying && cluster.settings.breaker?.maxRetries === undefined) {
      const tries = this.#open * (this.#world.setup.rule?.retry?.hedge === undefined ? 1 : 2);
      const most = Math.ceil(Math.max(minConcurrency, (percent / 100) * tries));
      if (retrying > most) this.#say(`${retrying} retries at once, of ${this.#open} requests`);
    }
    this.#retrying = retrying;
    this.#open = clients.open.size;
  }

  onSent(): void {
    this.#requests.add(this.#world.timeline.now);
  }

  /** Of the requests of the last 10 s, too. */
  onArrival({ attempt }: Arrival, request: Request | undefined): void {
    const { retryBudget = {}, breaker = {} } = this.#world.cluster.settings;
    if (this.#settings !== this.#world.cluster.settings) {
      // Another budget begins anew.
      this.#settings = this.#world.cluster.settings;
      this.#again = new Recent(WINDOW_MS);
    }
    const isAgain = attempt > 1 || (request !== undefined && request.arrivals > 1);
    if (!isAgain || breaker.maxRetries !== undefined) return;
    const { now } = this.#world.timeline;
    this.#again.add(now);
    const { percent = DEFAULT_PERCENT, minPerSecond = DEFAULT_MIN_PER_SECOND } = retryBudget;
    const again = this.#again.within(WINDOW_MS - 2 * SLACK_MS + 1_000, now);
    const requests = this.#requests.within(WINDOW_MS + SLACK_MS, now);
    const most = Math.ceil(Math.max(minPerSecond * WINDOW_S, (percent / 100) * requests));
    if (again > most) this.#say(`${again} tries again in 7 s, for ${requests} requests in 12 s`);
  }
}
