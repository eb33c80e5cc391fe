/** What a traffic loop collects of two responses that are to be compared, ready for a request. */

import { bodyBytesOf, type MirrorComparison } from "../../discovery/mirror-comparison.ts";
import type { Mirror } from "../../discovery/route.ts";

export class ComparisonPlan {
  /** Name of the rule. */
  readonly route: string;
  readonly cluster: string;
  readonly settings: MirrorComparison;
  /** Of `[0, 1]`. */
  readonly share: number;
  /** In the order of `settings.headers`. */
  readonly headers: readonly Buffer[];
  /** 0: bodies are not compared. */
  readonly maxBodyBytes: number;

  constructor(route: string, { cluster, comparison = {} }: Mirror) {
    this.route = route;
    this.cluster = cluster;
    this.settings = comparison;
    this.share = (comparison.sample ?? 100) / 100;
    this.headers = (comparison.headers ?? []).map((name) => Buffer.from(name, "latin1"));
    this.maxBodyBytes = bodyBytesOf(comparison);
  }
}
