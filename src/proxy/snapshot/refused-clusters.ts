/**
 * Clusters and endpoints that came in a form which this sidecar refused, while it holds no earlier one: nothing better will come by
 * waiting, so a route that names one of them doesn't wait.
 */
import type { RouteResource } from "../../discovery/route.ts";
import type { Readiness } from "./plan.ts";
import { clustersOf } from "./references.ts";
import type { Shelves, StoredType } from "./store.ts";

/** What a route needs of a cluster that it names. */
export const CLUSTER_TYPES = ["cluster", "endpoints"] as const;
type ClusterType = (typeof CLUSTER_TYPES)[number];

export function isClusterType(type: StoredType): type is ClusterType {
  return type === "cluster" || type === "endpoints";
}

export class RefusedClusters {
  readonly #names = { cluster: new Set<string>(), endpoints: new Set<string>() };

  /** False: it was refused before, or is of a type that nothing waits for. */
  add(type: StoredType, name: string): boolean {
    if (!isClusterType(type) || this.#names[type].has(name)) return false;
    this.#names[type].add(name);
    return true;
  }

  /** It is held now, known not to exist, or of no interest any more. */
  delete(type: StoredType, name: string): void {
    if (isClusterType(type)) this.#names[type].delete(name);
  }

  readiness(route: RouteResource, received: Shelves<null>): Readiness {
    let refused: string | undefined;
    for (const cluster of clustersOf(route)) {
      for (const type of CLUSTER_TYPES) {
        if (this.#names[type].has(cluster)) refused = cluster;
        else if (!received[type].has(cluster)) return { kind: "waiting" };
      }
    }
    return refused === undefined ? { kind: "ready" } : { kind: "refused", cluster: refused };
  }
}
