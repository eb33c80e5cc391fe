/** Logs what the informers go through: the first reading, failures, lists that are not believed. */
import type { Log } from "../../log.ts";
import type { InformerState } from "./informer.ts";

/** A listener of `KubernetesSource`; what is well and was well before is not told again. */
export function stateLog(log: Log): (kind: string, state: InformerState) => void {
  const isWell = new Set<string>();
  return (kind, state) => {
    switch (state.kind) {
      case "live":
        if (!isWell.has(kind)) log.info({ kind }, "read from the cluster");
        isWell.add(kind);
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
    isWell.delete(kind);
  };
}
