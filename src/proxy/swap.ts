/**
 * The only writer of a loop's tables. Each change is applied whole, between two requests; the control thread has checked it
 * and orders changes so that what a route names is there before the route (make before break).
 */
import type { ClusterTable } from "./cluster-table.ts";
import type { Inbound } from "./inbound.ts";
import { Credentials, type Keyring } from "./net/credentials.ts";
import type { Outbound } from "./outbound.ts";
import { Judge } from "./policy/judge.ts";
import { VirtualHost } from "./routing/virtual-host.ts";
import type { Change, DescribedRow } from "./snapshot/loop-protocol.ts";

export class Swap {
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #keyring: Keyring;

  constructor(outbound: Outbound, inbound: Inbound, keyring: Keyring) {
    this.#keyring = keyring;
    this.#outbound = outbound;
    this.#inbound = inbound;
  }

  apply(change: Change): void {
    const { clusters } = this.#outbound;
    switch (change.kind) {
      case "secret":
        this.#keyring.credentials = new Credentials(change.secret);
        return;
      case "cluster":
        clusters.set(change.resource, change.table);
        return;
      case "cluster-removed":
        clusters.remove(change.name);
        return;
      case "endpoints": {
        const cluster = clusters.get(change.name);
        cluster?.stageEndpoints(change.endpoints);
        if (change.complete) cluster?.commitEndpoints(change.table);
        return;
      }
      case "endpoints-removed":
        clusters.get(change.name)?.setEndpoints([]);
        return;
      case "health":
        clusters.get(change.name)?.setUnhealthy(new Set(change.unhealthy));
        clusters.get(change.name)?.forgive(change.passed ?? []);
        return;
      case "listener":
        if (change.resource.name === "outbound") this.#outbound.configure(change.resource);
        else this.#inbound.configure(change.resource);
        return;
      case "policy":
        this.#inbound.admission.setPolicy(change.resource, Judge.of(change.resource));
        return;
      case "route":
        this.#outbound.setRoute(new VirtualHost(change.resource));
        return;
      case "route-removed":
        this.#outbound.removeRoute(change.name, change.idle === true);
    }
  }

  /** Applies changes in steps of less than a millisecond: a policy of thousands of rules takes many. */
  *applied(changes: readonly Change[]): Generator<undefined, void> {
    for (const change of changes) {
      if (change.kind === "policy") {
        const judge = yield* Judge.compile(change.resource);
        this.#inbound.admission.setPolicy(change.resource, judge);
      } else this.apply(change);
    }
  }

  /** One row per endpoint, as `/clusters` shows them. */
  describe(listener: string, clusters: ClusterTable): DescribedRow[] {
    return [...clusters.values()].flatMap((cluster) =>
      cluster.endpoints.map((endpoint) => ({
        listener,
        cluster: cluster.name,
        endpoint: `${endpoint.address}:${endpoint.port}`,
        weight: endpoint.weight,
        failsCheck: endpoint.failsCheck,
        isEjected: endpoint.outlier.ejectedUntil !== 0,
        active: endpoint.active,
        idleConnections: endpoint.pool.size,
      })),
    );
  }
}
