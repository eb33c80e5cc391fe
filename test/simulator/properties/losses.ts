/**
 * No request is lost that had an alternative: one that may be sent again and has failed has had all its tries, or the budget was
 * used up, which clients and instances can tell from how much has failed.
 */
import { DEFAULT_LIMIT } from "../../../src/proxy/clusters/breaker.ts";
import { DEFAULT_MIN_CONCURRENCY, DEFAULT_MIN_PER_SECOND } from "../../../src/proxy/clusters/retry-budget.ts";
import { DEFAULT_ATTEMPTS } from "../../../src/proxy/routing/retry-policy.ts";
import { OUTBOUND } from "../../harness/loop.ts";
import type { Outcome } from "../client.ts";
import { type Property, Recent, type Say } from "../property.ts";
import type { World } from "../world.ts";

/** What was used of the budget was used in this time, most generously. */
const MEMORY_MS = 3_000;

export class Losses implements Property {
  readonly #world: World;
  readonly #say: Say;
  readonly #failures = new Recent(MEMORY_MS);

  constructor(world: World, say: Say) {
    this.#world = world;
    this.#say = say;
  }

  /** Whoever has taken longer may have had a try that did: one that waited for a connection is seen by nobody. */
  get #patienceMs(): number {
    const { cluster, setup } = this.#world;
    const { perTryTimeoutMs = cluster.connectTimeoutMs } = setup.rule?.retry ?? {};
    const { backendRequestTimeoutMs = perTryTimeoutMs } = setup.rule ?? {};
    return Math.min(cluster.connectTimeoutMs, perTryTimeoutMs, backendRequestTimeoutMs);
  }

  onFailure(): void {
    this.#failures.add(this.#world.timeline.now);
  }

  onEnded(outcome: Outcome): void {
    if (outcome.ms >= this.#patienceMs) this.onFailure();
    const { request, status, isCut, flag, tries, ms } = outcome;
    const { cluster, clients, setup, timeline } = this.#world;
    const { rule = {} } = setup;
    const { retry } = rule;
    if ((status > 0 && status < 500) || isCut || !request.isSafe || request.leaves) return;
    const name = `request ${request.id} got ${status} ${flag} after ${tries} tries and ${ms.toFixed(1)} ms`;
    if (retry?.on?.includes("5xx") !== true || tries > (retry.attempts ?? DEFAULT_ATTEMPTS)) return;
    const isLimited =
      (setup.cluster.breaker ?? cluster.settings.breaker) !== undefined ||
      cluster.settings.adaptiveConcurrency !== undefined;
    const { requestTimeoutMs = OUTBOUND.limits.streamIdleTimeoutMs } = rule;
    if (flag.startsWith("UT") && ms >= requestTimeoutMs) return;
    if (flag.startsWith("UO") && (isLimited || cluster.active >= DEFAULT_LIMIT)) return;
    // What FaultInjection ends is seen by no instance.
    if (rule.faults !== undefined) return;
    // Nobody takes anything, or everybody's active check fails, which without panic is as good as nobody.
    if (cluster.endpoints.every(({ configuredWeight, failsCheck }) => configuredWeight === 0 || failsCheck))
      return;
    if (!flag.includes("URX")) {
      this.#say(`${name}, and was not tried again`);
      return;
    }
    const { minConcurrency = DEFAULT_MIN_CONCURRENCY, minPerSecond = DEFAULT_MIN_PER_SECOND } =
      cluster.settings.retryBudget ?? {};
    let failures = this.#failures.within(MEMORY_MS, this.#world.timeline.now);
    for (const { at } of clients.open.values()) if (timeline.elapsed - at >= this.#patienceMs) failures++;
    // Whoever is over either minimum has as many failures behind it.
    if (failures < Math.min(minConcurrency, minPerSecond))
      this.#say(`${name}, by a budget of which at most ${failures} were used`);
  }
}
