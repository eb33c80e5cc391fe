/** What a sidecar is told when it is started. */
import type { Node } from "../discovery/messages.ts";
import type { Application } from "./admin/routes.ts";
import type { Resolver } from "./dns/resolvers.ts";
import type { CertificateKeeper } from "./enrolment/keeper.ts";
import type { Connect } from "./snapshot/configuration.ts";

export interface SidecarPorts {
  readonly outbound: number;
  readonly inbound: number;
  readonly admin: number;
  readonly telemetry: number;
  /** Absent: the sidecar does not answer questions about names. */
  readonly dns?: number;
}

export interface SidecarOptions {
  /** Who this sidecar is; its ports are filled in once they are known. */
  readonly node: Omit<Node, "ports">;
  /** Where the traffic and telemetry listeners are opened. The admin listener is always on loopback. */
  readonly host: string;
  /** Where others' requests are taken, if not at `host`. */
  readonly inboundHost?: string;
  /** Where others reach the inbound port, if it is another than the one opened. */
  readonly advertisedPort?: number;
  /** 0: chosen by the system. */
  readonly ports: SidecarPorts;
  /** Where the application listens, if it is not as the Workload says. */
  readonly appPort?: number;
  /** What is asked of the application through the telemetry port. */
  readonly application?: Application;
  /** Number of traffic loops, each a thread. */
  readonly concurrency: number;
  /** `all` subscribes to every route up front instead of on first use. */
  readonly outboundScope: "lazy" | "all";
  /** Connections come by netfilter (`weft init`). Default: no. */
  readonly isTransparent?: boolean;
  /** Whom the DNS proxy asks for names of others. Default: those of /etc/resolv.conf. */
  readonly resolvers?: readonly Resolver[];
  /** Keeps the last good configuration there; absent: nowhere. */
  readonly stateDir?: string;
  /** How long new connections are still served after a drain began, in milliseconds. */
  readonly drainGraceMs: number;
  /** When a drain ends with connections still open, in milliseconds from its beginning. */
  readonly drainTimeoutMs: number;
  /** Young generation of a traffic loop's heap, in MB. */
  readonly youngGenerationMb: number;
  readonly connect: Connect;
  /** Gets and renews the sidecar's certificate; absent: it has none. */
  readonly keeper?: CertificateKeeper;
  readonly warn: (message: string) => void;
  /** Takes lines of the log of what policy refused or audited; absent: nobody. */
  readonly log?: (line: string) => void;
  /** A traffic loop has failed: the process should end. */
  readonly onFailure: (message: string) => void;
  /** Somebody asked for a drain at the admin listener. */
  readonly onDrainRequested: () => void;
}
