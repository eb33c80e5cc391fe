/** A cluster for the tests of one file: started before them, gone after them. */
import { afterAll, beforeAll } from "vitest";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster.ts";
import { type Kubectl, kubectlWith } from "./kubectl.ts";

/** Longest wait for a cluster to start or to end, on a machine that has much else to do. */
export const START_MS = 120_000;

export interface Suite {
  readonly cluster: Cluster;
  /** As somebody who may do everything. */
  readonly kubectl: Kubectl;
}

/** To be called within a suite; what it returns has its fields when the tests run. `prepare`: before them, once. */
export function clusterOfSuite(
  options: ClusterOptions = {},
  prepare: (suite: Suite) => Promise<void> = async () => {},
): Suite {
  let started: Suite | undefined;
  const get = (): Suite => {
    if (started === undefined) throw new Error("the cluster is not there yet");
    return started;
  };
  beforeAll(async () => {
    const cluster = await startCluster(options);
    started = { cluster, kubectl: kubectlWith(cluster.kubeconfig, cluster.folder) };
    await prepare(started);
  }, START_MS);
  afterAll(() => started?.cluster.close(), START_MS);
  return {
    get cluster() {
      return get().cluster;
    },
    get kubectl() {
      return get().kubectl;
    },
  };
}
