/**
 * The application's ports as connections mean them that were intercepted: by number, whether a Service leads there or not, and on the
 * loopback address of the family that the client used.
 */
import type { InboundListenerResource, InboundPort } from "../discovery/listener.ts";
import type { ServiceRef } from "../discovery/messages.ts";
import { servicePortName } from "../discovery/messages.ts";
import type { ClusterTable } from "./cluster-table.ts";
import type { Destination } from "./request/listener-context.ts";
import { VirtualHost } from "./routing/virtual-host.ts";

export type Family = "ipv4" | "ipv6";

export const LOOPBACK: Readonly<Record<Family, string>> = { ipv4: "127.0.0.1", ipv6: "::1" };

/** Ports that nobody has declared are anybody's choice; the longest unused goes first. */
const MAX_PORTS = 256;

interface Made {
  readonly port: number;
  readonly family: Family;
  readonly cluster: string;
  readonly destination: Destination;
}

export class ApplicationPorts {
  readonly #clusters: ClusterTable;
  readonly #made = new Map<string, Made>();
  #resource: InboundListenerResource | null = null;
  #strict = new Set<string>();

  constructor(clusters: ClusterTable) {
    this.#clusters = clusters;
  }

  /** Whether anything has been said of them. */
  get isKnown(): boolean {
    return this.#resource !== null;
  }

  /** `strict`: gets the names of clusters whose clients must have proven who they are. */
  configure(resource: InboundListenerResource, strict: Set<string>): void {
    this.#resource = resource;
    this.#strict = strict;
    for (const [key, made] of this.#made) {
      const now = this.#make(resource, made.port, made.family);
      if (now.cluster !== made.cluster) this.#clusters.remove(made.cluster);
      this.#made.set(key, now);
    }
  }

  find(port: number, family: Family): Destination {
    if (this.#resource === null) return UNKNOWN;
    const key = `${port} ${family}`;
    let made = this.#made.get(key);
    if (made === undefined) {
      if (this.#made.size >= MAX_PORTS) this.#forgetOldest();
      made = this.#make(this.#resource, port, family);
    } else this.#made.delete(key);
    this.#made.set(key, made);
    return made.destination;
  }

  #make(resource: InboundListenerResource, number: number, family: Family): Made {
    const port = resource.ports.find(({ appPort }) => appPort === number) ?? undeclared(resource, number);
    const name = clusterName(port.service, port.servicePort);
    const cluster = `${name} to ${LOOPBACK[family]}`;
    setApplicationCluster(this.#clusters, resource, port, cluster, LOOPBACK[family]);
    if (port.mtls === "STRICT") this.#strict.add(cluster);
    return { port: number, family, cluster, destination: { kind: "host", host: hostOf(port, cluster) } };
  }

  #forgetOldest(): void {
    const [oldest] = this.#made;
    if (oldest === undefined) return;
    this.#made.delete(oldest[0]);
    this.#clusters.remove(oldest[1].cluster);
  }
}

const UNKNOWN: Destination = { kind: "unknown" };

/** Counted under the workload's own name. */
function undeclared({ local, otherPorts }: InboundListenerResource, number: number): InboundPort {
  return {
    service: { name: local.workload, namespace: local.namespace },
    servicePort: number,
    appPort: number,
    protocol: "http1",
    detects: true,
    mtls: otherPorts ?? "STRICT",
  };
}

/** Name of the cluster of a Service's port that the application serves. */
export function clusterName(service: ServiceRef, port: number): string {
  return `inbound ${servicePortName(service, port)}`;
}

/** A cluster with one endpoint: the application. */
export function setApplicationCluster(
  clusters: ClusterTable,
  { local, limits, connectTimeoutMs }: InboundListenerResource,
  port: InboundPort,
  name: string,
  address: string,
): void {
  const cluster = clusters.set({
    name,
    service: port.service,
    port: port.servicePort,
    protocol: port.protocol,
    loadBalancer: "random",
    connectTimeoutMs,
    poolIdleTimeoutMs: limits.connectionIdleTimeoutMs,
  });
  cluster.setEndpoints([
    {
      address,
      port: port.appPort,
      weight: 1,
      workload: local.workload,
      namespace: local.namespace,
      serviceAccount: local.principal.slice(local.principal.lastIndexOf("/") + 1),
      app: local.app,
      version: local.version,
    },
  ]);
}

/** Everything for a port goes to its cluster. */
export function hostOf(port: InboundPort, cluster: string): VirtualHost {
  const isCertain = port.protocol === "tcp";
  return new VirtualHost({
    name: servicePortName(port.service, port.servicePort),
    service: port.service,
    port: port.servicePort,
    ...((isCertain || port.detects === true) && {
      opaque: { backends: [{ cluster, weight: 1 }], isCertain },
    }),
    matches: [{ rule: 0, source: "inbound" }],
    // The caller's sidecar tries again; two that do would multiply.
    rules: [
      {
        name: "inbound",
        retry: { attempts: 0 },
        action: { kind: "forward", backends: [{ weight: 1, cluster }] },
      },
    ],
  });
}
