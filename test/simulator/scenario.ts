/** What a scenario is: data drawn by a seed, and what must be true of the run besides what must be of every run. */
import type { ClusterResource, LoadBalancerPolicy } from "../../src/discovery/messages.ts";
import type { RouteRule } from "../../src/discovery/route.ts";
import { below, oneOf, seededRandom } from "../harness/random.ts";
import type { Load } from "./client.ts";
import type { InstanceScript } from "./instance.ts";
import type { Report } from "./report.ts";
import type { World } from "./world.ts";

export interface Setup {
  readonly instances: readonly InstanceScript[];
  /** So many of the instances are endpoints from the start. Default all. */
  readonly atStart?: number;
  readonly cluster: Partial<ClusterResource>;
  readonly rule?: Pick<RouteRule, "requestTimeoutMs" | "backendRequestTimeoutMs" | "retry" | "faults">;
  readonly load: Load;
  /** When the last request comes; milliseconds. */
  readonly durationMs: number;
  /** Zone of the client. */
  readonly zone?: string;
  /** What happens to the configuration. */
  readonly changes?: readonly { readonly at: number; readonly change: (world: World) => void }[];
}

export interface Scenario {
  readonly name: string;
  /** Seeds that the suite tries. */
  readonly runs: number;
  readonly draw: (chance: Chance) => Setup;
  /** Says what is wrong, if anything; numbers worth knowing may be noted in `report.notes`. */
  readonly judge?: (report: Report, setup: Setup) => readonly string[];
}

/** What a seed decides of a scenario's shape. */
export class Chance {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed * 2_654_435_761);
  }

  /** A whole number of `[least, most]`. */
  int(least: number, most: number): number {
    return least + below(this.random, most - least + 1);
  }

  real(least: number, most: number): number {
    return least + this.random() * (most - least);
  }

  oneOf<T>(list: readonly T[]): T {
    return oneOf(this.random, list);
  }

  /** A balancer that looks at no keys. */
  policy(): LoadBalancerPolicy {
    return this.oneOf(["leastRequest", "roundRobin", "random", "peakEwma"] as const);
  }
}

export function instances(
  count: number,
  script: (index: number) => InstanceScript,
): readonly InstanceScript[] {
  return Array.from({ length: count }, (_, index) => script(index));
}
