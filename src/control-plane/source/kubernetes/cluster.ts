/**
 * A cluster as the control plane uses it: the source, and what this replica does to the cluster in turn: it stands for election, tells
 * other replicas how far its sidecars are, shares the CA with them, and while it leads it writes statuses and the trust bundle.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Log } from "../../log.ts";
import type { Plane } from "../../plane.ts";
import { type KubernetesApi, openApi } from "./api.ts";
import { BundleKeeper } from "./bundle-keeper.ts";
import { CaSecret } from "./ca-secret.ts";
import { Election } from "./election.ts";
import { Replicas } from "./replicas.ts";
import { KubernetesSource } from "./source.ts";
import { stateLog } from "./state-log.ts";
import { StatusKeeper } from "./status-keeper.ts";

const LEASE = "weft-control-plane";

export class Cluster {
  readonly source: KubernetesSource;
  readonly #api: KubernetesApi;
  readonly #log: Log;
  readonly #namespace: string;
  readonly #election: Election;
  readonly #bundles: BundleKeeper;
  /** The other replicas. */
  readonly replicas: Replicas;
  #statuses: StatusKeeper | undefined;

  /** Begins to read. `namespace`: the control plane's own, where its Lease is; `readBundle`: the roots to trust, as PEM. */
  constructor(api: KubernetesApi, namespace: string, log: Log, readBundle: () => string | undefined) {
    this.#api = api;
    this.#log = log;
    this.#namespace = namespace;
    const host = hostname().replaceAll(/[^-._a-zA-Z0-9]/g, "-");
    const identity = `${host}_${randomBytes(4).toString("hex")}`;
    this.source = new KubernetesSource({ api, stateChanged: stateLog(log) });
    this.source.start();
    this.#election = new Election({
      api,
      namespace,
      name: LEASE,
      identity,
      onChange: (leads) => log.info({}, leads ? "this replica leads" : "this replica does not lead"),
      onError: (reason) => log.warn({ reason }, "the Lease can't be read or written: nobody may lead"),
    });
    this.#election.start();
    this.replicas = new Replicas({
      api,
      namespace,
      identity,
      isLeader: () => this.#election.isLeader,
      onError: (reason) => log.warn({ reason }, "other replicas can't be told, or heard"),
    });
    this.replicas.start();
    this.#bundles = new BundleKeeper({
      api,
      namespaces: () => this.source.instances.namespaces,
      read: readBundle,
      isLeader: () => this.#election.isLeader,
      onError: (error) => log.warn({ reason: error.message }, "the trust bundle can't be written"),
    });
    this.#bundles.start();
  }

  get isLeader(): boolean {
    return this.#election.isLeader;
  }

  /** The CA in a Secret of the control plane's namespace. */
  caIn(name: string): CaSecret {
    const isLeader = () => this.#election.isLeader;
    return new CaSecret({ api: this.#api, namespace: this.#namespace, name, isLeader, log: this.#log });
  }

  /** To be told after each compilation, from the first on. */
  released(change: number, progress: Plane["progress"]): void {
    this.#statuses ??= this.#keepStatuses(progress);
    this.#statuses.released(change);
  }

  /** Reads no more, and lets another replica lead. */
  async close(): Promise<void> {
    this.#statuses?.close();
    this.#bundles.close();
    this.source.close();
    await Promise.all([this.#election.close(), this.replicas.close()]);
  }

  #keepStatuses(progress: Plane["progress"]): StatusKeeper {
    const keeper = new StatusKeeper({
      api: this.#api,
      source: this.source,
      isLeader: () => this.#election.isLeader,
      progress,
      others: () => this.replicas.others,
      onError: (error) => this.#log.warn({ reason: error.message }, "a status can't be written"),
    });
    keeper.start();
    this.replicas.tellObjects(() => keeper.objects());
    return keeper;
  }
}

/**
 * Opens the cluster of KUBECONFIG, or the one in which this runs. Throws where there is none; one that can't be reached is waited for
 * (`source.synced`).
 */
export async function openCluster(
  namespace: string,
  log: Log,
  readBundle: () => string | undefined,
): Promise<Cluster> {
  return new Cluster(await openApi(), namespace, log, readBundle);
}
