/** How far a sidecar is, as `GET /v1/sidecars` tells it. */
import type { Node, ResourceType } from "./messages.ts";
import type { NackRecord } from "./observer.ts";
import type { TypeState } from "./type-state.ts";

const MAX_NACKS = 16;

export interface SidecarStatus {
  readonly id: string;
  readonly namespace: string;
  readonly workload: string;
  readonly version: string;
  readonly connectedSince: string;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly state: "synced" | "stale" | "rejected" | "disconnected";
  /** Only of a sidecar that is disconnected; ISO 8601. */
  readonly disconnectedSince?: string;
  /** The latest change that it has applied as a whole; 0 before the first. */
  readonly change: number;
  /** Resources by type: known to the sidecar, and those of them that it has applied in their latest version. */
  readonly types: Readonly<Record<string, { readonly sent: number; readonly applied: number }>>;
  readonly subscriptions: number;
  /** What it refuses now, at most 16. */
  readonly nacks: readonly NackRecord[];
}

type TypeStates = ReadonlyMap<ResourceType, TypeState>;

export function stateOf(types: TypeStates): "synced" | "stale" | "rejected" {
  const states = [...types.values()];
  if (states.some(({ rejected }) => rejected.size > 0)) return "rejected";
  return states.some(({ outstanding, pending }) => outstanding !== null || pending.size > 0)
    ? "stale"
    : "synced";
}

/** The status of a sidecar that is connected. */
export function statusOf(
  node: Node,
  types: TypeStates,
  connectedSince: string,
  change: number,
): SidecarStatus {
  const states = [...types.values()];
  const { id, namespace, workload, version, address, ports } = node;
  return {
    ...{ id, namespace, workload, version, connectedSince, address, ports },
    state: stateOf(types),
    change,
    types: Object.fromEntries([...types].filter(([, state]) => isUsed(state)).map(countsOf)),
    subscriptions: states.reduce((sum, { subscribed }) => sum + subscribed.size, 0),
    nacks: states.flatMap(({ rejected }) => [...rejected.values()]).slice(0, MAX_NACKS),
  };
}

function isUsed({ held, rejected, outstanding }: TypeState): boolean {
  return held.size + rejected.size > 0 || outstanding !== null;
}

function countsOf([type, { held, rejected, outstanding, pending }]: readonly [ResourceType, TypeState]) {
  const sent = outstanding?.versions.keys() ?? [];
  const behind = new Set([...rejected.keys(), ...sent]);
  const known = new Set([...held.keys(), ...behind]);
  const applied = [...known].filter((name) => !behind.has(name) && !pending.has(name));
  return [type, { sent: known.size, applied: applied.length }] as const;
}
