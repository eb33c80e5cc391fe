/** A Kubernetes source over an API server, with short waits, and what it is compared with. */
import { apiOf, type KubernetesApi } from "../../../src/control-plane/source/kubernetes/api.ts";
import type { InformerState, Timing } from "../../../src/control-plane/source/kubernetes/informer.ts";
import { KubernetesSource } from "../../../src/control-plane/source/kubernetes/source.ts";
import type { ApiServer } from "./api-server.ts";

export const QUICK: Timing = { firstMs: 5, longestMs: 40, confirmMs: 60, unknownMs: 50 };

/** Requests to a server that asks nobody who they are. */
export function apiTo(server: ApiServer): KubernetesApi {
  return apiOf(server.url, { applyToHTTPSOptions: async () => {} });
}

export interface Opened {
  readonly source: KubernetesSource;
  /** `Pod: live`, in order. */
  readonly states: string[];
}

/** A source that runs; not necessarily synced. */
export function openSource(server: ApiServer, timing: Timing = QUICK): Opened {
  const states: string[] = [];
  const stateChanged = (kind: string, state: InformerState) => {
    states.push(`${kind}: ${state.kind}`);
  };
  const source = new KubernetesSource({ api: apiTo(server), timing, stateChanged });
  source.start();
  return { source, states };
}

/** Waits until something holds, at most `ms`; returns whether it did. */
export async function until(holds: () => boolean, ms = 15_000): Promise<boolean> {
  const limit = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > limit) return false;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return true;
}
