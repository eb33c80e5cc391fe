/**
 * Labels of callers that have proven who they are: one object for each principal, so that series are found by it. Principals
 * are as many as a mesh has service accounts; beyond a bound they share one object, and so one series.
 */
import { type PeerLabels, UNKNOWN_PEER } from "./record.ts";

/** Principals of one sidecar with series of their own. */
export const MAX_PRINCIPALS = 500;

const MORE: PeerLabels = { ...UNKNOWN_PEER, isMutualTls: true };

export class PeerTable {
  readonly #labels = new Map<string, PeerLabels>();

  /** `principal` and the namespace in it. */
  labelsOf(principal: string, namespace: string): PeerLabels {
    const known = this.#labels.get(principal);
    if (known !== undefined) return known;
    if (this.#labels.size >= MAX_PRINCIPALS) return MORE;
    const labels: PeerLabels = { ...UNKNOWN_PEER, principal, namespace, isMutualTls: true };
    this.#labels.set(principal, labels);
    return labels;
  }
}
