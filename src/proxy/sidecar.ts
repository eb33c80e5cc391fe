/**
 * The sidecar, put together: traffic loops on threads of their own, and on this one everything else (the discovery
 * stream, the last good configuration on disk, load reports, admin and telemetry). Nothing here touches a request.
 */
import { INBOUND_POLICY } from "../discovery/policy.ts";
import { secretOf } from "../identity/secret.ts";
import { refusal } from "./admin/guard.ts";
import { ProcessMetrics } from "./admin/process-metrics.ts";
import type { Health } from "./admin/ready.ts";
import type { Application, SidecarView } from "./admin/routes.ts";
import { adminRoutes, telemetryRoutes } from "./admin/routes.ts";
import { startSmallServer } from "./admin/server.ts";
import { ejectionLine } from "./clusters/ejection.ts";
import { decisionLine } from "./decisions.ts";
import type { DnsProxy } from "./dns/proxy.ts";
import type { CertificateKeeper } from "./enrolment/keeper.ts";
import { makeProbe } from "./health/make-probe.ts";
import { HealthMonitor } from "./health/monitor.ts";
import { Reach } from "./health/reach.ts";
import { verdictLine } from "./health/verdict-line.ts";
import { LoopPool } from "./loop-pool.ts";
import { MirrorInbox } from "./mirrors/inbox.ts";
import { MirrorReport } from "./mirrors/report.ts";
import type { SidecarOptions, SidecarPorts } from "./sidecar-options.ts";
import { checkResource } from "./snapshot/build.ts";
import type { DiscoveryLink } from "./snapshot/configuration.ts";
import { Configuration } from "./snapshot/configuration.ts";
import { Lessee } from "./snapshot/lessee.ts";
import { LoadReporter } from "./snapshot/load-report.ts";
import type { DescribedRow } from "./snapshot/loop-protocol.ts";
import { SeriesTable } from "./snapshot/series.ts";
import { releaseStartUpMemory } from "./start-up-memory.ts";

const LOAD_REPORT_INTERVAL_MS = 1_000;
/** Beyond the drain's own time: a loop that has not answered by then never will. */
const DRAIN_MARGIN_MS = 2_000;
/** Loopback: the admin listener is never opened to others. */
const ADMIN_HOST = "127.0.0.1";

export interface Sidecar {
  readonly id: string;
  readonly ports: SidecarPorts;
  /** Resolves when traffic can be served: both listeners are configured. */
  readonly ready: Promise<void>;
  /** Fails readiness at once; resolves when the loops are drained, with the number of connections cut off. */
  drain(): Promise<number>;
  /** Ends everything at once, and writes what is not yet on disk. */
  close(): Promise<void>;
}

/** Opens all listeners and connects. Rejects when a port can't be had, and leaves nothing open then. */
export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const starting = new Start(options);
  try {
    return await starting.run();
  } catch (error) {
    await starting.close();
    throw error;
  }
}

/** A sidecar while it comes up, part by part, and what is to be closed of it. */
class Start implements SidecarView {
  readonly id: string;
  readonly process: ProcessMetrics;
  readonly #options: SidecarOptions;
  readonly #closers: (() => void | Promise<void>)[] = [];
  /** What loops asked for before there was anybody to ask. */
  readonly #early: (() => void)[] = [];
  #pool: LoopPool | undefined;
  configuration: Configuration | undefined;
  dns: DnsProxy | undefined;
  readonly healthChecks: HealthMonitor;
  readonly mirrors = new MirrorReport();
  readonly #mirrored = new MirrorInbox(this.mirrors);
  readonly #reach = new Reach();
  #isDraining = false;

  constructor(options: SidecarOptions) {
    this.#options = options;
    this.id = options.node.id;
    this.process = new ProcessMetrics(options.node.version);
    this.healthChecks = new HealthMonitor({
      pace: { random: Math.random, after },
      makeProbe: (cluster) => makeProbe(this.#reach, cluster),
      send: async (changes) => this.#pool?.send(changes),
      onVerdict: (cluster, check) => options.log?.(verdictLine(cluster, check, new Date())),
    });
    this.#closers.push(() => this.process.close());
  }

  async run(): Promise<Sidecar> {
    const {
      node,
      host,
      inboundHost = host,
      ports,
      appPort,
      advertisedPort,
      concurrency,
      outboundScope,
      isTransparent = false,
      keeper,
    } = this.#options;
    const admin = await this.#serve(ADMIN_HOST, ports.admin, true);
    const telemetry = await this.#serve(host, ports.telemetry, false);
    const dns = await this.#openDns();
    const { pool, ports: opened } = await LoopPool.start({
      loops: concurrency,
      host,
      inboundHost,
      outboundPort: ports.outbound,
      inboundPort: ports.inbound,
      ownPorts: [admin, telemetry, ...(dns === undefined ? [] : [dns.port])],
      outboundScope,
      isTransparent,
      youngGenerationMb: this.#options.youngGenerationMb,
      onSubscribe: (loop, routes) => this.#tell((to) => to.subscriber.loopSubscribed(loop, routes)),
      onUnsubscribe: (loop, routes) => this.#tell((to) => to.subscriber.loopUnsubscribed(loop, routes)),
      onEjection: (ejection) => this.#options.log?.(ejectionLine(ejection, new Date())),
      onDecision: (decision, left) => this.#options.log?.(decisionLine(decision, left, new Date())),
      onDemand: (report) => lessee.take(report),
      onMirrored: (sample, taken) => this.#mirrored.put(sample, taken),
      onFailure: this.#options.onFailure,
    });
    const lessee: Lessee = new Lessee({
      rulesOf: (limit) =>
        this.configuration?.subscriber.applied.policy
          .get(INBOUND_POLICY)
          ?.resource.limits?.find(({ id }) => id === limit),
      toPlane: (report) => this.configuration?.link.sendDemand(report),
      toLoop: (loop, leases) => pool.lend(loop, leases),
      now: () => performance.now(),
    });
    this.#pool = pool;
    this.#closers.push(() => pool.close());
    keeper?.start((svid, bundle) => {
      const secret = secretOf(svid, bundle);
      this.#reach.setSecret(secret);
      return pool.send([{ kind: "secret", secret }]);
    });
    this.#closers.push(() => keeper?.close());
    const chosen: SidecarPorts = {
      outbound: opened.outboundPort,
      inbound: opened.inboundPort,
      admin,
      telemetry,
      ...(dns && { dns: dns.port }),
    };
    const configuration = await Configuration.start({
      ...this.#options,
      node: {
        ...node,
        ports: {
          ...chosen,
          ...(advertisedPort !== undefined && { inbound: advertisedPort }),
          ...(appPort !== undefined && { app: appPort }),
        },
      },
      send: async (changes) => {
        await pool.send(changes);
        this.healthChecks.applied(changes);
      },
      check: checkResource,
      lend: (grant) => lessee.lend(grant),
      onConnected: () => pool.rejoin(),
      resolves: dns !== undefined,
      loops: concurrency,
      scope: outboundScope,
    });
    this.configuration = configuration;
    this.#closers.push(() => configuration.close());
    this.#closers.push(() => this.healthChecks.close());
    dns?.follow(configuration, node.namespace);
    for (const tell of this.#early.splice(0)) tell();
    this.#reportLoad(configuration.link);
    void configuration.ready.then(releaseStartUpMemory);
    return {
      id: this.id,
      ports: chosen,
      ready: configuration.ready,
      drain: () => this.#drain(pool),
      close: () => this.close(),
    };
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  get keeper(): CertificateKeeper | undefined {
    return this.#options.keeper;
  }

  get application(): Application | undefined {
    return this.#options.application;
  }

  get series(): SeriesTable {
    return this.#pool?.series ?? new SeriesTable();
  }

  health(): Health {
    return {
      isListening: this.#pool !== undefined,
      isConfigured: this.configuration?.subscriber.isConfigured ?? false,
      isConnected: this.configuration?.counts().isConnected ?? false,
      lostBecause: this.configuration?.counts().lostBecause ?? "",
      certificateFault: this.keeper?.fault ?? "",
      isDraining: this.#isDraining,
    };
  }

  async describe(what: "clusters" | "connections"): Promise<readonly DescribedRow[]> {
    return this.#pool?.describe(what) ?? [];
  }

  drain(): void {
    this.#options.onDrainRequested();
  }

  /** Loaded where it is asked for alone. */
  async #openDns(): Promise<DnsProxy | undefined> {
    const { ports, resolvers, warn } = this.#options;
    if (ports.dns === undefined) return undefined;
    const { DnsProxy } = await import("./dns/proxy.ts");
    this.dns = await DnsProxy.open({ port: ports.dns, warn, ...(resolvers && { resolvers }) });
    this.#closers.push(() => this.dns?.close());
    return this.dns;
  }

  #drain(pool: LoopPool): Promise<number> {
    this.#isDraining = true;
    this.configuration?.link.sendLeaving();
    const { drainGraceMs, drainTimeoutMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<number>();
    const timer = setTimeout(() => resolve(0), drainTimeoutMs + DRAIN_MARGIN_MS);
    void pool.drain(drainGraceMs, drainTimeoutMs).then(resolve);
    return promise.finally(() => clearTimeout(timer));
  }

  async #serve(host: string, port: number, isAdmin: boolean): Promise<number> {
    const server = await startSmallServer(
      isAdmin
        ? { host, port, routes: adminRoutes(this), refusal }
        : { host, port, routes: telemetryRoutes(this) },
    );
    this.#closers.push(() => server.close());
    return server.port;
  }

  #tell(what: (to: Configuration) => void): void {
    const { configuration } = this;
    if (configuration !== undefined) what(configuration);
    else this.#early.push(() => this.#tell(what));
  }

  #reportLoad(link: DiscoveryLink): void {
    const reporter = new LoadReporter(this.series, () => performance.now());
    const timer = setInterval(() => {
      const isConnected = this.configuration?.counts().isConnected ?? false;
      const report = isConnected ? reporter.next() : undefined;
      if (report !== undefined) link.sendLoad(report);
    }, LOAD_REPORT_INTERVAL_MS).unref();
    this.#closers.push(() => clearInterval(timer));
  }
}

/** Does not keep the process. */
function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
}
