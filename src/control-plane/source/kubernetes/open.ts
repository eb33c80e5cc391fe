/** Opens the cluster of KUBECONFIG, or the one in which this runs, as a source, and logs how it goes. */
import type { Log } from "../../log.ts";
import { type KubernetesApi, openApi } from "./api.ts";
import type { InformerState } from "./informer.ts";
import { KubernetesSource } from "./source.ts";

export interface OpenedCluster {
  readonly api: KubernetesApi;
  readonly source: KubernetesSource;
}

/**
 * Begins to read. Throws where no cluster is configured; one that can't be reached is waited for (`source.synced`).
 */
export async function openCluster(log: Log): Promise<OpenedCluster> {
  const api = await openApi();
  const source = new KubernetesSource({ api, stateChanged: stateLog(log) });
  source.start();
  return { api, source };
}

function stateLog(log: Log): (kind: string, state: InformerState) => void {
  const wasGood = new Set<string>();
  return (kind, state) => {
    switch (state.kind) {
      case "live":
        if (!wasGood.has(kind)) log.info({ kind }, "read from the cluster");
        wasGood.add(kind);
        return;
      case "unknown":
        log.info({ kind }, "the cluster has no such kind: its definition is not installed");
        break;
      case "failing":
        log.warn({ kind, reason: state.reason }, "can't be read from the cluster; what was known stays");
        break;
      case "held": {
        const { before, left } = state;
        const message =
          "a list lacks most of what was there; what was known stays until a second one says the same";
        log.warn({ kind, before, left }, message);
        break;
      }
      case "starting":
        break;
    }
    wasGood.delete(kind);
  };
}
