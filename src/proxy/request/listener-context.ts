/**
 * What the exchanges of one listener share: the tables they decide by, which are swapped between two requests, and the loop they
 * run on. Inbound and outbound differ in what stands here, not in code.
 */
import type { ListenerLimits, LocalWorkload } from "../../discovery/listener.ts";
import type { Cluster } from "../clusters/cluster.ts";
import type { Endpoint } from "../clusters/endpoint.ts";
import type { HopContext } from "../hop/connection.ts";
import type { Hops } from "../hop/hops.ts";
import type { Authority } from "../http/authority.ts";
import type { ClientConnection } from "../http1/client-connection.ts";
import type { Connect } from "../net/connect-tcp.ts";
import type { IsOwn } from "../net/own-address.ts";
import type { Scratch } from "../net/scratch.ts";
import type { SourceAddress } from "../net/tcp-connection.ts";
import type { TimerWheel } from "../net/timer-wheel.ts";
import type { VirtualHost } from "../routing/virtual-host.ts";
import type { DestinationSeries, PeerLabels } from "../telemetry/record.ts";
import type { Admission } from "./admit.ts";
import type { Comparisons } from "./comparisons.ts";
import type { Exchange } from "./exchange.ts";
import type { Overload } from "./overload.ts";

export type UpstreamCluster = Cluster<ClientConnection>;
export type UpstreamEndpoint = Endpoint<ClientConnection>;

/** Where an authority leads. */
export type Destination =
  | { readonly kind: "host"; readonly host: VirtualHost }
  /** The control plane has to be asked: `ListenerContext.wait`. */
  | { readonly kind: "wait"; readonly route: string }
  /** Outside of the mesh, and allowed. */
  | { readonly kind: "passthrough"; readonly cluster: UpstreamCluster }
  /** Outside of the mesh, and not allowed. */
  | { readonly kind: "unknown" };

export interface Loop {
  readonly wheel: TimerWheel;
  readonly scratch: Scratch;
  readonly random: () => number;
  /** How much more it can take. */
  readonly overload: Overload;
  /** Of mirrored responses. */
  readonly comparisons: Comparisons;
  /** To endpoints that need not prove who they are. */
  readonly connect: Connect;
  /** To other sidecars. */
  readonly hops: Hops;
  /** For those that come from other sidecars. */
  readonly hop: HopContext;
}

/** A client that has proven who it is. */
export interface VerifiedPeer {
  /** Without `spiffe://`. */
  readonly principal: string;
  readonly namespace: string;
  /** Its `x-forwarded-client-cert` field, with the line's end. */
  readonly clientCertField: Buffer;
  /** When its proof ends; milliseconds since 1970. */
  readonly expiresAt: number;
  readonly labels: PeerLabels;
}

/** Told when an awaited route has arrived, or is known not to exist. */
export interface RouteWaiter {
  resume(): void;
}

export interface ListenerContext {
  /** What must not be connected to from here, because it would lead back here. */
  readonly isOwn: IsOwn;
  /** Where connections to endpoints come from; null: the system chooses. */
  readonly source: SourceAddress | null;
  readonly direction: "outbound" | "inbound";
  readonly loop: Loop;
  /** Changes with every swap, so that what was looked up before is looked up again. */
  readonly generation: number;
  readonly limits: ListenerLimits;
  /** Whom it speaks for; another object when that changes. */
  readonly local: LocalWorkload;
  /** Responses carry `Connection: close`. */
  readonly isDraining: boolean;
  readonly discoveryTimeoutMs: number;
  /** Exchanges that never reached an endpoint count here. */
  readonly unmatched: DestinationSeries;
  /** Who may send what; null where nobody asks. */
  readonly admission: Admission | null;
  find(authority: Authority): Destination;
  cluster(name: string): UpstreamCluster | undefined;
  /** `waiter` waits for the route; it leaves by itself. */
  wait(route: string, waiter: RouteWaiter): void;
  leave(route: string, waiter: RouteWaiter): void;
  closed(exchange: Exchange): void;
}
