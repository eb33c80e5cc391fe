/**
 * Which routes name which clusters. A cluster is needed as long as any route names it, be it the route the loops
 * serve from or the newer one that still waits for its clusters: make before break needs both.
 */
import type { RouteResource, WeightedBackend } from "../../discovery/route.ts";

/** Names of all clusters that a route sends requests to, mirrors included. */
export function clustersOf(route: RouteResource): Set<string> {
  const names = new Set<string>();
  const add = (backends: readonly Pick<WeightedBackend, "cluster">[]) => {
    for (const { cluster } of backends) if (cluster !== undefined) names.add(cluster);
  };
  for (const { action } of route.rules) {
    if (action.kind !== "forward") continue;
    add(action.backends);
    for (const mirror of action.mirrors ?? []) names.add(mirror.cluster);
  }
  if (route.opaque !== undefined) add(route.opaque.backends);
  return names;
}

const NONE: ReadonlySet<string> = new Set();

export class References {
  readonly #clustersByRoute = new Map<string, ReadonlySet<string>>();
  readonly #routesByCluster = new Map<string, Set<string>>();

  /** Replaces what a route names. Answers with the clusters named for the first time and those no longer named. */
  replace(route: string, clusters: ReadonlySet<string>): { added: string[]; dropped: string[] } {
    const before = this.#clustersByRoute.get(route) ?? NONE;
    const added: string[] = [];
    const dropped: string[] = [];
    for (const cluster of clusters) {
      if (before.has(cluster)) continue;
      const users = this.#routesByCluster.get(cluster);
      if (users !== undefined) users.add(route);
      else {
        this.#routesByCluster.set(cluster, new Set([route]));
        added.push(cluster);
      }
    }
    for (const cluster of before) {
      if (clusters.has(cluster)) continue;
      const users = this.#routesByCluster.get(cluster);
      users?.delete(route);
      if (users?.size !== 0) continue;
      this.#routesByCluster.delete(cluster);
      dropped.push(cluster);
    }
    if (clusters.size > 0) this.#clustersByRoute.set(route, clusters);
    else this.#clustersByRoute.delete(route);
    return { added, dropped };
  }

  /** Routes that name the cluster. */
  routesOf(cluster: string): ReadonlySet<string> {
    return this.#routesByCluster.get(cluster) ?? NONE;
  }

  isNamed(cluster: string): boolean {
    return this.#routesByCluster.has(cluster);
  }

  clusters(): IterableIterator<string> {
    return this.#routesByCluster.keys();
  }
}
