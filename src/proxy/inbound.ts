/**
 * The inbound side of a sidecar: requests of others for the application behind it. The Host's Service port decides which of the
 * application's ports takes a request; what names none of them goes to the first.
 */
import { isIP, type Server, type Socket } from "node:net";
import type { InboundListenerResource, MutualTlsMode } from "../discovery/listener.ts";
import { servicePortName } from "../discovery/messages.ts";
import { type Addressed, type Speech, speechOf } from "./addressed.ts";
import {
  ApplicationPorts,
  clusterName,
  hostOf,
  LOOPBACK,
  setApplicationCluster,
} from "./application-ports.ts";
import type { ClusterTable } from "./cluster-table.ts";
import { HOP_PROTOCOL } from "./hop/frame.ts";
import type { Authority } from "./http/authority.ts";
import { SILENCE_MS } from "./http/looks-like-request.ts";
import { Limiter } from "./limit/limiter.ts";
import { Connections, DEFAULT_LIMITS, UNKNOWN_LOCAL, unmatchedLabels } from "./listener-base.ts";
import type { Keyring } from "./net/credentials.ts";
import type { OriginalDestination } from "./net/original-destination.ts";
import type { IsOwn } from "./net/own-address.ts";
import { type SourceAddress, TcpConnection } from "./net/tcp-connection.ts";
import { Acceptor, type VerifiedClient } from "./net/tls-accept.ts";
import { TlsConnection } from "./net/tls-connection.ts";
import { NO_SINK } from "./net/transport.ts";
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
import { AuthorizationSeries } from "./telemetry/authorization-series.ts";
import { HandshakeSeries } from "./telemetry/handshake-series.ts";
import { PeerTable } from "./telemetry/peer-table.ts";
import { RateLimitSeries } from "./telemetry/rate-limit-series.ts";
import { DestinationSeries, UNKNOWN_PEER } from "./telemetry/record.ts";
import type { SlotAllocator } from "./telemetry/slot-allocator.ts";

export interface InboundOptions {
  readonly isOwn: IsOwn;
  /** Where connections to the application come from. Default: the system chooses. */
  readonly source?: SourceAddress;
  readonly keyring: Keyring;
  /** Told of what policy refuses or audits. */
  readonly onDecision: (decision: PolicyDecision) => void;
  /** How many traffic loops the sidecar has, and which of them this is. Default: one. */
  readonly loops?: number;
  readonly index?: number;
}

const SPIFFE = "spiffe://";

/** Where a connection was going that was intercepted; null: to the listener itself. */
type Arrival = Addressed | null;

export class Inbound implements ListenerContext {
  readonly direction = "inbound";
  readonly isOwn: IsOwn;
  readonly source: SourceAddress | null;
  readonly loop: Loop;
  readonly clusters: ClusterTable;
  readonly connections: Connections;
  readonly unmatched: DestinationSeries;
  readonly admission: Admission;
  readonly limiter: Limiter;
  readonly discoveryTimeoutMs = 0;
  generation = 0;
  isDraining = false;
  limits = DEFAULT_LIMITS;
  local = UNKNOWN_LOCAL;
  readonly #hosts = new Map<string, Destination>();
  /** By the application's port. */
  readonly #byPort = new Map<number, Destination>();
  #first: Destination = { kind: "unknown" };
  #clusterNames = new Set<string>();
  #mtls: MutualTlsMode = "DISABLE";
  readonly #keyring: Keyring;
  readonly #acceptor: Acceptor<Arrival>;
  readonly #ports: ApplicationPorts;
  readonly #peers = new PeerTable();

  constructor(loop: Loop, clusters: ClusterTable, allocator: SlotAllocator, options: InboundOptions) {
    const { keyring, isOwn } = options;
    this.isOwn = isOwn;
    this.source = options.source ?? null;
    this.loop = loop;
    this.clusters = clusters;
    this.#ports = new ApplicationPorts(clusters);
    this.unmatched = new DestinationSeries(allocator, unmatchedLabels("destination"), UNKNOWN_PEER);
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
      onConnection: (transport, client, arrival) => this.#admit(transport, client, arrival),
    });
    this.connections = new Connections(allocator, "inbound", this.#acceptor);
  }

  /** Takes a socket; by the mode, what it speaks is found out first. */
  accept(socket: Socket, server: Server): void {
    if (this.#mtls === "DISABLE") this.connections.accept(this, socket, server);
    else this.#acceptor.accept(socket, server, null);
  }

  /** Takes a socket that was intercepted on its way to a port of the application. */
  acceptAt(addressed: Addressed, socket: Socket, server: Server): void {
    if (!this.#ports.isKnown) {
      // What it speaks is not known either: taken for HTTP, a client that waits for the server to speak would wait for ever.
      socket.resetAndDestroy();
      return;
    }
    const speech = this.#speechAt(addressed);
    if (this.#mtls === "DISABLE") {
      const tcp = new TcpConnection(NO_SINK);
      tcp.accept(socket, server);
      tcp.pause();
      addressed.take(tcp, null, speech);
    } else this.#acceptor.accept(socket, server, addressed, speech === "http" ? 0 : SILENCE_MS);
  }

  #admit(transport: TcpConnection | TlsConnection, client: VerifiedClient | null, arrival: Arrival): void {
    const peer = client && this.#peerOf(client);
    if (transport instanceof TlsConnection && transport.protocol === HOP_PROTOCOL)
      this.connections.admitHop(arrival ?? this, transport, peer);
    else if (arrival === null) this.connections.admit(this, transport, peer);
    else arrival.take(transport, peer, this.#speechAt(arrival));
  }

  #speechAt({ original }: Addressed): Speech {
    const destination = this.findPort(original);
    return destination.kind === "host" ? speechOf(destination.host) : "http";
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
    this.#byPort.clear();
    const names = new Set<string>();
    const strict = new Set<string>();
    for (const port of resource.ports) {
      const cluster = clusterName(port.service, port.servicePort);
      setApplicationCluster(this.clusters, resource, port, cluster, LOOPBACK.ipv4);
      names.add(cluster);
      if (port.mtls === "STRICT") strict.add(cluster);
      const destination: Destination = { kind: "host", host: hostOf(port, cluster) };
      const name = servicePortName(port.service, port.servicePort);
      this.#hosts.set(name, destination);
      if (!this.#byPort.has(port.appPort)) this.#byPort.set(port.appPort, destination);
      const bare = `${port.service.name}.${port.service.namespace}`;
      if (!this.#hosts.has(bare) || port.servicePort === 80) this.#hosts.set(bare, destination);
    }
    const first = resource.ports[0];
    this.#first =
      (first && this.#hosts.get(servicePortName(first.service, first.servicePort))) ??
      ({ kind: "unknown" } as const);
    for (const gone of this.#clusterNames) if (!names.has(gone)) this.clusters.remove(gone);
    this.#clusterNames = names;
    this.#ports.configure(resource, strict);
    this.admission.strict = strict;
    this.generation++;
  }

  find(authority: Authority): Destination {
    const name = serviceName(authority, this.local.namespace, this.clusters.clusterDomain);
    if (name.kind === "service") return this.#hosts.get(name.route) ?? this.#first;
    // A client that calls instances by their address means the application's port.
    const { host, port } = authority;
    return (port !== 0 && isIP(host) !== 0 ? this.#byPort.get(port) : undefined) ?? this.#first;
  }

  /** What a connection means that was intercepted on its way to a port of the application. */
  findPort({ address, port }: OriginalDestination): Destination {
    return this.#ports.find(port, address.includes(":") ? "ipv6" : "ipv4");
  }

  cluster(name: string): UpstreamCluster | undefined {
    return this.clusters.get(name);
  }

  wait(): void {}
  leave(): void {}

  closed(exchange: Exchange): void {
    this.connections.closed(exchange);
  }
}
