/**
 * The control plane as a whole: files, compiler, discovery and the HTTP API. Discovery's transport is handed in, so that
 * nothing here depends on gRPC.
 */
import { MESH_SECRET } from "../discovery/messages.ts";
import type { DiscoveryObserver } from "../discovery/observer.ts";
import type { ResourceSource } from "../discovery/server.ts";
import { completeTrustDomain, trustDomainOf } from "../resources/trust-domain.ts";
import { type Api, startApi } from "./api/server.ts";
import { Compiler } from "./compile/compiler.ts";
import { ExpiryWatch } from "./expiry-watch.ts";
import { type IdentityOptions, PlaneIdentity } from "./identity.ts";
import { JwksStore } from "./jwks-store.ts";
import { LoadStats } from "./load-stats.ts";
import { type Log, sourceLog, streamLog } from "./log.ts";
import { PlaneMetrics } from "./metrics.ts";
import { type Discovery, Plane } from "./plane.ts";
import { openRegistry } from "./registry/registry.ts";
import type { RegistryPeers } from "./shared-root.ts";
import { FileSource } from "./source/files.ts";
import { finishWrites } from "./source/journal.ts";
import type { Source, SourceStatus } from "./source/source.ts";
import { Waits } from "./waits.ts";
import { openWebhook, type WebhookSettings } from "./webhook/open.ts";
import type { Webhook } from "./webhook/server.ts";

/** A directory of files, or a source that is open already. */
export type SourceOptions =
  | { readonly configDir: string; readonly addressesFile?: string }
  | { readonly source: Source };

export type ControlPlaneOptions = PlaneOptions & SourceOptions;

interface PlaneOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly discoveryPort: number;
  /** 0: chosen by the system. */
  readonly apiPort: number;
  /** Absent: sidecars connect without TLS. */
  readonly identity?: IdentityOptions;
  /** Where MeshConfig does not say; default `cluster.local`. */
  readonly trustDomain?: string;
  /** Absent: no admission webhook. It needs an identity. */
  readonly webhook?: WebhookSettings;
  readonly log: Log;
  /** Where those who register themselves are kept from one start to the next; absent: nowhere. */
  readonly registryFile?: string;
  /** Replicas whose registrants are instances here, too; absent: there are none. */
  readonly registryPeers?: RegistryPeers;
  /** Whether keys of issuers may be fetched from loopback and link-local addresses. Default no. */
  readonly allowsLocalJwks?: boolean;
  readonly openDiscovery: OpenDiscovery;
  /** Told after each compilation which change it has become, with the way to ask how far changes are. */
  readonly released?: (change: number, progress: Plane["progress"]) => void;
}

/** A discovery server over `resources`, and its way onto the network: with TLS where there is an identity. */
export type OpenDiscovery = (
  resources: ResourceSource,
  observer: DiscoveryObserver,
  identity: PlaneIdentity | undefined,
) => {
  readonly discovery: Discovery;
  listen(host: string, port: number): Promise<Listening>;
};

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

export interface ControlPlane {
  readonly discoveryPort: number;
  readonly apiPort: number;
  readonly webhookPort: number | undefined;
  close(): Promise<void>;
}

/** Starts everything; rejects with the system's error where a port can't be had. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { host, log, trustDomain } = options;
  const complete = trustDomain === undefined ? undefined : completeTrustDomain(trustDomain);
  const registry = openRegistry(openSource(options), {
    file: options.registryFile,
    peers: options.registryPeers,
    log,
    onChange: () => plane.refill(),
  });
  const { source, registrations } = registry;
  const compiler = new Compiler(options.identity === undefined ? "DISABLE" : "STRICT", source.instances);
  const stats = new LoadStats(() => performance.now());
  const metrics = new PlaneMetrics();
  const waits = new Waits();
  const logged = streamLog(log);
  const identity =
    options.identity &&
    (await PlaneIdentity.open(trustDomainOf(source.state.resources, trustDomain), options.identity, {
      log,
      audited: metrics.audited,
      lacking: (version) => opened.discovery.lacking("secret", MESH_SECRET, version),
      announce: () => plane.announce([{ type: "secret", name: MESH_SECRET }]),
    }));
  const resources: ResourceSource = {
    get: (type, name, node) =>
      type === "secret" ? identity?.get(type, name) : compiler.get(type, name, node),
    names: (type, node) => compiler.names(type, node),
    refusal: (node) => registrations.refusal(node),
  };
  const streams: DiscoveryObserver = {
    ...logged,
    pushed: metrics.streams.pushed,
    answered: (...what) => {
      metrics.streams.answered(...what);
      logged.answered(...what);
    },
    settled: (progress) => {
      waits.settled(progress.change);
      metrics.streams.settled(progress);
      logged.settled(progress);
    },
    load: (node, report) => stats.add(node.id, report),
    arrived: (node) => registrations.arrived(node),
    leaving: (node) => registrations.leaving(node),
    left: (node) => registrations.left(node),
  };
  const opened = options.openDiscovery(resources, streams, identity);
  const progress: Plane["progress"] = (change) => plane.progress(change);
  const observer = {
    compiled: metrics.compiled,
    read: readLog(log, source, identity, trustDomain),
    released: (change: number) => options.released?.(change, progress),
  };
  const jwks = new JwksStore({
    allowsLocal: options.allowsLocalJwks === true,
    onChange: () => plane.refill(),
    log,
  });
  const plane: Plane = new Plane(source, compiler, opened.discovery, observer, (all) => {
    registrations.see(all);
    return jwks.fill(complete?.(all) ?? all);
  });
  metrics.watch(plane, identity);
  const expiry = new ExpiryWatch(() => identity?.authorities ?? [], log);
  expiry.look(Date.now());
  let discovery: Listening | undefined;
  let api: Api | undefined;
  let webhook: Webhook | undefined;
  try {
    registry.share();
    plane.start((error) => log.error({ reason: error.message }, "the source is no longer watched"));
    discovery = await opened.listen(host, options.discoveryPort);
    api = await startApi({
      plane,
      stats,
      waits,
      identity,
      host,
      port: options.apiPort,
      metrics: async () => ({
        type: metrics.registry.contentType,
        text: await metrics.registry.metrics(),
      }),
      onAnswer: metrics.answeredRequest,
      onError: (error) => log.error({ err: error }, "a request failed"),
    });
    webhook =
      identity &&
      options.webhook &&
      (await openWebhook(options.webhook, host, identity, metrics.reviewed, log));
  } catch (error) {
    plane.close();
    registry.close();
    jwks.close();
    expiry.close();
    await Promise.all([discovery?.close(), api?.close()]);
    await identity?.close();
    throw error;
  }
  const ports = { discoveryPort: discovery.port, apiPort: api.port, webhookPort: webhook?.port };
  const servers = [discovery, api, webhook];
  return {
    ...ports,
    close: async () => {
      plane.close();
      registry.close();
      jwks.close();
      expiry.close();
      await Promise.all(servers.map((server) => server?.close()));
      await identity?.close();
    },
  };
}

function openSource(options: SourceOptions): Source {
  if ("source" in options) return options.source;
  finishWrites(options.configDir);
  return new FileSource(options.configDir, options.addressesFile);
}

/** Certificates are bound to the trust domain of the start: another one in the files does not take effect by itself. */
function readLog(log: Log, source: Source, identity: PlaneIdentity | undefined, fallback?: string) {
  const logSource = sourceLog(log);
  return (status: SourceStatus): void => {
    logSource(status);
    const found = trustDomainOf(source.state.resources, fallback);
    if (identity === undefined || found === identity.trustDomain) return;
    const fields = { found, inForce: identity.trustDomain };
    log.error(fields, "the trust domain takes effect when the mesh is started anew, with another CA");
  };
}
