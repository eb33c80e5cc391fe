/**
 * The inbound side of a sidecar: requests of others for the application behind it. The Host's Service port decides which of the
 * application's ports takes a request; what names none of them goes to the first.
 */
import type net from "node:net";
import type {
  InboundListenerResource,
  InboundPort,
  MutualTlsMode,
  ServiceRef,
} from "../discovery/messages.ts";
import { servicePortName } from "../discovery/messages.ts";
import type { ClusterTable } from "./cluster-table.ts";
import { HOP_PROTOCOL } from "./hop/frame.ts";
import type { Authority } from "./http/authority.ts";
import { Limiter } from "./limit/limiter.ts";
import {
  Connections,
  DEFAULT_LIMITS,
  tunnelLabels,
  UNKNOWN_LOCAL,
  unmatchedLabels,
} from "./listener-base.ts";
import type { Keyring } from "./net/credentials.ts";
import type { IsOwn } from "./net/own-address.ts";
import { Acceptor, type VerifiedClient } from "./net/tls-accept.ts";
import { TlsConnection } from "./net/tls-connection.ts";
import type { PolicyDecision } from "./policy/decision.ts";
import { Admission } from "./request/admit.ts";
import { clientCertField } from "./request/client-cert.ts";
import type { Exchange } from "./request/exchange.ts";
import type {
  Destination,
  ListenerContext,
  Loop,
  UpstreamCluster,
  VerifiedPeer,
} from "./request/listener-context.ts";
import { serviceName } from "./routing/service-name.ts";
import { VirtualHost } from "./routing/virtual-host.ts";
import { AuthorizationSeries } from "./telemetry/authorization-series.ts";
import { HandshakeSeries } from "./telemetry/handshake-series.ts";
import { PeerTable } from "./telemetry/peer-table.ts";
import { RateLimitSeries } from "./telemetry/rate-limit-series.ts";
import { DestinationSeries, UNKNOWN_PEER } from "./telemetry/record.ts";
import type { SlotAllocator } from "./telemetry/slot-allocator.ts";
import { TcpSeries } from "./telemetry/tcp-series.ts";

export interface InboundOptions {
  readonly isOwn: IsOwn;
  readonly keyring: Keyring;
  /** Told of what policy refuses or audits. */
  readonly onDecision: (decision: PolicyDecision) => void;
  /** How many traffic loops the sidecar has, and which of them this is. Default: one. */
  readonly loops?: number;
  readonly index?: number;
}

const SPIFFE = "spiffe://";

export class Inbound implements ListenerContext {
  readonly direction = "inbound";
  readonly isOwn: IsOwn;
  readonly loop: Loop;
  readonly clusters: ClusterTable;
  readonly connections: Connections;
  readonly unmatched: DestinationSeries;
  readonly tunnels: TcpSeries;
  readonly admission: Admission;
  readonly limiter: Limiter;
  readonly discoveryTimeoutMs = 0;
  generation = 0;
  isDraining = false;
  limits = DEFAULT_LIMITS;
  local = UNKNOWN_LOCAL;
  readonly #hosts = new Map<string, Destination>();
  #first: Destination = { kind: "unknown" };
  #clusterNames = new Set<string>();
  #mtls: MutualTlsMode = "DISABLE";
  readonly #keyring: Keyring;
  readonly #acceptor: Acceptor;
  readonly #peers = new PeerTable();

  constructor(loop: Loop, clusters: ClusterTable, allocator: SlotAllocator, options: InboundOptions) {
    const { keyring, isOwn } = options;
    this.isOwn = isOwn;
    this.loop = loop;
    this.clusters = clusters;
    this.unmatched = new DestinationSeries(allocator, unmatchedLabels("destination"), UNKNOWN_PEER);
    this.tunnels = new TcpSeries(allocator, tunnelLabels("destination"));
    const limits = new RateLimitSeries(allocator);
    this.limiter = new Limiter(options.loops ?? 1, options.index ?? 0, (limit) => limits.of(limit));
    this.admission = new Admission(new AuthorizationSeries(allocator), options.onDecision, this.limiter, () =>
      loop.wheel.now(),
    );
    this.#keyring = keyring;
    this.#acceptor = new Acceptor({
      wheel: loop.wheel,
      keyring,
      counts: new HandshakeSeries(allocator, "inbound"),
      takesPlaintext: () => this.#mtls !== "STRICT",
      onConnection: (transport, client) => {
        const peer = client && this.#peerOf(client);
        if (transport instanceof TlsConnection && transport.protocol === HOP_PROTOCOL)
          this.connections.admitHop(this, transport, peer);
        else this.connections.admit(this, transport, peer);
      },
    });
    this.connections = new Connections(allocator, "inbound", this.#acceptor);
  }

  /** Takes a socket; by the mode, what it speaks is found out first. */
  accept(socket: net.Socket, server: net.Server): void {
    if (this.#mtls === "DISABLE") this.connections.accept(this, socket, server);
    else this.#acceptor.accept(socket, server);
  }

  #peerOf(client: VerifiedClient): VerifiedPeer {
    const { id, namespace, fingerprint, expiresAt } = client;
    const own = this.#keyring.credentials?.id ?? "";
    return {
      principal: id.slice(SPIFFE.length),
      namespace,
      clientCertField: clientCertField(own, fingerprint, id),
      expiresAt,
      labels: this.#peers.labelsOf(id, namespace),
    };
  }

  configure(resource: InboundListenerResource): void {
    this.limits = resource.limits;
    this.loop.overload.configure(resource.limits.overload);
    this.#mtls = resource.mtls ?? "DISABLE";
    this.local = resource.local;
    this.#hosts.clear();
    const names = new Set<string>();
    const strict = new Set<string>();
    for (const port of resource.ports) {
      const cluster = this.#configureCluster(resource, port);
      names.add(cluster);
      if (port.mtls === "STRICT") strict.add(cluster);
      const destination: Destination = { kind: "host", host: hostOf(port, cluster) };
      const name = servicePortName(port.service, port.servicePort);
      this.#hosts.set(name, destination);
      const bare = `${port.service.name}.${port.service.namespace}`;
      if (!this.#hosts.has(bare) || port.servicePort === 80) this.#hosts.set(bare, destination);
    }
    const first = resource.ports[0];
    this.#first =
      (first && this.#hosts.get(servicePortName(first.service, first.servicePort))) ??
      ({ kind: "unknown" } as const);
    for (const gone of this.#clusterNames) if (!names.has(gone)) this.clusters.remove(gone);
    this.#clusterNames = names;
    this.admission.strict = strict;
    this.generation++;
  }

  /** One cluster per Service port with one endpoint: the application. */
  #configureCluster(resource: InboundListenerResource, port: InboundPort): string {
    const name = clusterName(port.service, port.servicePort);
    const { local } = resource;
    const cluster = this.clusters.set({
      name,
      service: port.service,
      port: port.servicePort,
      protocol: port.protocol,
      loadBalancer: "random",
      connectTimeoutMs: resource.connectTimeoutMs,
      poolIdleTimeoutMs: resource.limits.connectionIdleTimeoutMs,
    });
    cluster.setEndpoints([
      {
        address: "127.0.0.1",
        port: port.appPort,
        weight: 1,
        workload: local.workload,
        namespace: local.namespace,
        serviceAccount: local.principal.slice(local.principal.lastIndexOf("/") + 1),
        app: local.app,
        version: local.version,
      },
    ]);
    return name;
  }

  find(authority: Authority): Destination {
    const name = serviceName(authority, this.local.namespace, this.clusters.clusterDomain);
    return (name.kind === "service" ? this.#hosts.get(name.route) : undefined) ?? this.#first;
  }

  cluster(name: string): UpstreamCluster | undefined {
    return this.clusters.get(name);
  }

  clusterOf({ service, port }: VirtualHost): UpstreamCluster | undefined {
    return this.clusters.get(clusterName(service, port));
  }

  wait(): void {}
  leave(): void {}

  closed(exchange: Exchange): void {
    this.connections.closed(exchange);
  }
}

function clusterName(service: ServiceRef, port: number): string {
  return `inbound ${servicePortName(service, port)}`;
}

function hostOf(port: InboundPort, cluster: string): VirtualHost {
  return new VirtualHost({
    name: servicePortName(port.service, port.servicePort),
    service: port.service,
    port: port.servicePort,
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
