/** The checks of a cluster's endpoints: one for each, over changes of endpoints and of settings. */
import { isDeepStrictEqual } from "node:util";
import type { HealthCheck } from "../../discovery/health-check.ts";
import type { ClusterResource, EndpointResource } from "../../discovery/messages.ts";
import { endpointKey } from "../clusters/endpoint.ts";
import { type CheckContext, EndpointCheck, type Pace } from "./endpoint-check.ts";
import type { Probe } from "./probe.ts";
import type { ProbeSlots } from "./probe-slots.ts";

/** A cluster that has a health check. */
export type CheckedCluster = ClusterResource & { readonly healthCheck: HealthCheck };

export interface ClusterChecksOptions {
  readonly pace: Pace;
  readonly slots: ProbeSlots;
  readonly makeProbe: (cluster: CheckedCluster) => Probe;
  /** One of the endpoints has become unhealthy, or is no longer so. */
  readonly changed: (check: EndpointCheck) => void;
  /** A check has passed whose endpoint outlier detection may have left out. */
  readonly passed: () => void;
}

export class ClusterChecks {
  /** Checks that ended, by what came of them. */
  readonly counts = { pass: 0, fail: 0, timeout: 0 };
  readonly #options: ClusterChecksOptions;
  readonly #context: { -readonly [K in keyof CheckContext]: CheckContext[K] };
  #cluster: CheckedCluster;
  #checks = new Map<string, EndpointCheck>();
  /** Keys of endpoints whose check has passed since this was last asked for. */
  readonly #passed = new Set<string>();

  constructor(cluster: CheckedCluster, options: ClusterChecksOptions) {
    const { pace, slots, makeProbe, changed, passed } = options;
    this.#options = options;
    this.#cluster = cluster;
    this.#context = {
      pace,
      slots,
      changed,
      settings: cluster.healthCheck,
      probe: makeProbe(cluster),
      counted: (result) => {
        this.counts[result]++;
      },
      passed: (check) => {
        if (this.#cluster.outlier === undefined) return;
        this.#passed.add(endpointKey(check.endpoint));
        passed();
      },
    };
  }

  get checks(): Iterable<EndpointCheck> {
    return this.#checks.values();
  }

  /** Keys of the endpoints that are unhealthy now. */
  unhealthy(): readonly string[] {
    return [...this.#checks].flatMap(([key, check]) => (check.isUnhealthy ? key : []));
  }

  /** Keys of endpoints whose check has passed since the last call, where outlier detection may have left them out. */
  takePassed(): readonly string[] {
    const keys = [...this.#passed];
    this.#passed.clear();
    return keys;
  }

  /** Takes other settings. Where the question is the same, what the answers have come to stays. */
  update(cluster: CheckedCluster): void {
    const before = this.#cluster;
    this.#cluster = cluster;
    this.#context.settings = cluster.healthCheck;
    const isSame =
      before.protocol === cluster.protocol &&
      isDeepStrictEqual(before.healthCheck.probe, cluster.healthCheck.probe);
    if (!isSame) {
      this.#context.probe = this.#options.makeProbe(cluster);
      for (const check of this.#checks.values()) check.restart();
    } else if (before.healthCheck.intervalMs !== cluster.healthCheck.intervalMs) {
      for (const check of this.#checks.values()) check.retime();
    }
  }

  /** These are all there are: the checks of others end, those of new ones begin. True if one that was unhealthy is gone. */
  setEndpoints(endpoints: readonly EndpointResource[]): boolean {
    const before = this.#checks;
    this.#checks = new Map();
    const added: EndpointCheck[] = [];
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      if (this.#checks.has(key)) continue;
      const known = before.get(key);
      const check = known ?? new EndpointCheck(endpoint, this.#context);
      if (known === undefined) added.push(check);
      this.#checks.set(key, check);
      before.delete(key);
    }
    const gone = [...before.values()];
    for (const check of gone) check.stop();
    for (const check of added) check.start();
    return gone.some(({ isUnhealthy }) => isUnhealthy);
  }

  stop(): void {
    for (const check of this.#checks.values()) check.stop();
  }
}
