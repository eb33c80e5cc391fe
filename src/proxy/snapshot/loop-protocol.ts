/**
 * What crosses between the control thread and a traffic loop. Everything is plain data: structured clone copies
 * it, and the loop builds its own tables from it. The control thread has checked every resource before
 * (`build.ts`), so a loop has nothing to refuse.
 */
import type { ListenerResource } from "../../discovery/listener.ts";
import type { ClusterResource, EndpointResource } from "../../discovery/messages.ts";
import type { PolicyResource } from "../../discovery/policy.ts";
import type { DemandReport, Lease } from "../../discovery/rate-limit.ts";
import type { RouteResource } from "../../discovery/route.ts";
import type { Secret } from "../../identity/secret.ts";
import type { Ejection } from "../clusters/ejection.ts";
import type { HashTable } from "../clusters/hash-table.ts";
import type { MirrorSample } from "../mirrors/sample.ts";
import type { PolicyDecision } from "../policy/decision.ts";

/** Given to the worker at its start. */
export interface LoopStart {
  readonly index: number;
  /** How many traffic loops there are. Default 1. */
  readonly loops?: number;
  readonly outbound: { readonly host: string; readonly port: number; readonly reusePort: boolean };
  readonly inbound: { readonly host: string; readonly port: number; readonly reusePort: boolean };
  /** Ports of this sidecar that no proxied request may reach (its admin and telemetry listeners). */
  readonly ownPorts: readonly number[];
  /** `*` when all routes are subscribed up front, so that a host without one needs no asking. */
  readonly outboundScope: "lazy" | "all";
  /** Connections come by netfilter, and are asked where they were going. Default: no. */
  readonly isTransparent?: boolean;
}

/** One step of an update. The parts of a large endpoints resource come in several steps. */
export type Change =
  /** The sidecar's own certificate, and whom it trusts. Held in memory alone; what is connected stays so. */
  | { readonly kind: "secret"; readonly secret: Secret }
  /** `table`: of the endpoints that the loop has, where the policy hashes. */
  | { readonly kind: "cluster"; readonly resource: ClusterResource; readonly table?: HashTable }
  | { readonly kind: "cluster-removed"; readonly name: string }
  | {
      readonly kind: "endpoints";
      readonly name: string;
      readonly endpoints: readonly EndpointResource[];
      /** False: more of the same resource follows in the next step. */
      readonly complete: boolean;
      /** Of the whole resource, where the cluster's policy hashes. */
      readonly table?: HashTable;
    }
  | { readonly kind: "endpoints-removed"; readonly name: string }
  /** All endpoints of a cluster that fail their active health check now, by `endpointKey`; the others do not. */
  | {
      readonly kind: "health";
      readonly name: string;
      readonly unhealthy: readonly string[];
      /** Whose check has passed a moment ago: an ejection of theirs is over. */
      readonly passed?: readonly string[];
    }
  | { readonly kind: "listener"; readonly resource: ListenerResource }
  /** Who may send what to the application: whole, so that no part of it is ever without the others. */
  | { readonly kind: "policy"; readonly resource: PolicyResource }
  | { readonly kind: "route"; readonly resource: RouteResource }
  /**
   * Also the answer to a subscription for a service that does not exist. With `idle` it says nothing about the
   * service: no loop has used the route for long, and the next request asks for it again.
   */
  | { readonly kind: "route-removed"; readonly name: string; readonly idle?: true };

export type ToLoop =
  /** Small enough to be handled between two requests; the loop answers `update-applied` before the next is sent. */
  | { readonly kind: "update"; readonly id: number; readonly changes: readonly Change[] }
  /** What the loop may do of limits that it keeps together with others. */
  | { readonly kind: "leases"; readonly leases: readonly Lease[] }
  /** Whoever leases is another one, or has forgotten: the loop says everything anew. */
  | { readonly kind: "rejoin" }
  | { readonly kind: "drain"; readonly graceMs: number; readonly timeoutMs: number }
  /** The answer to `mirrored`, once the sample has been compared: as much may follow. */
  | { readonly kind: "mirrored-taken"; readonly bytes: number }
  | { readonly kind: "describe"; readonly id: number; readonly what: "clusters" | "connections" };

export type FromLoop =
  | { readonly kind: "listening"; readonly outboundPort: number; readonly inboundPort: number }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "update-applied"; readonly id: number }
  /** First request for these names: the route, by `servicePortName`. */
  | { readonly kind: "subscribe"; readonly routes: readonly string[] }
  | { readonly kind: "unsubscribe"; readonly routes: readonly string[] }
  /** New memory to read counters from; pages are numbered from 0 in order of arrival. */
  | { readonly kind: "page"; readonly buffer: SharedArrayBuffer }
  | { readonly kind: "series"; readonly series: readonly SeriesInfo[] }
  /** Something that policy refused or audited; `left` that came before it are not told. */
  | { readonly kind: "decision"; readonly decision: PolicyDecision; readonly left: number }
  /** What the loop needs of limits that it keeps together with others. */
  | { readonly kind: "demand"; readonly report: DemandReport }
  | { readonly kind: "ejection"; readonly ejection: Ejection }
  /** Both responses to a mirrored request; `bytes` is what the loop has set aside for them. */
  | { readonly kind: "mirrored"; readonly sample: MirrorSample; readonly bytes: number }
  | { readonly kind: "described"; readonly id: number; readonly rows: readonly DescribedRow[] }
  /** The last exchange has ended, or the drain's time is up (`cut` connections were closed with one under way). */
  | { readonly kind: "drained"; readonly cut: number };

export type DescribedRow = Readonly<Record<string, string | number | boolean>>;

/** Where a series lives: `offset` counts Float64 slots in page `page`. */
export interface SeriesInfo {
  readonly page: number;
  readonly offset: number;
  /** Layout of the block: one slot, `REQUEST_BLOCK` or `LATENCY_BLOCK` (telemetry/slots.ts). */
  readonly layout: "counter" | "gauge" | "request" | "latency";
  /** Metric name without prefix; for `request` and `latency` the family. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}
