/**
 * The pages of a sidecar: its admin listener (loopback alone, everything), and its telemetry listener (whoever
 * scrapes and probes: metrics and health, nothing that tells of other workloads or changes anything).
 */
import type { DnsProxy } from "../dns/proxy.ts";
import type { CertificateKeeper } from "../enrolment/keeper.ts";
import type { HealthMonitor } from "../health/monitor.ts";
import type { MirrorReport } from "../mirrors/report.ts";
import type { Configuration } from "../snapshot/configuration.ts";
import type { DescribedRow } from "../snapshot/loop-protocol.ts";
import type { SeriesTable } from "../snapshot/series.ts";
import { besides, fetchAppMetrics } from "./app-metrics.ts";
import type { AppProbes } from "./app-probe-table.ts";
import { appProbeRoutes } from "./app-probes.ts";
import { certificateFamilies, describeCertificates } from "./certificates.ts";
import { dumpConfig } from "./config-dump.ts";
import { discoveryFamilies } from "./discovery-metrics.ts";
import { describeDns, dnsFamilies } from "./dns.ts";
import { expose } from "./exposition.ts";
import { describeHealthChecks, healthCheckFamilies } from "./health-checks.ts";
import { describeMirrors, mirrorFamilies } from "./mirrors.ts";
import type { ProcessMetrics } from "./process-metrics.ts";
import type { Health } from "./ready.ts";
import { healthRoutes } from "./ready.ts";
import type { Answer, Route, Routes } from "./server.ts";
import { json, text, withIndex } from "./server.ts";
import { trafficFamilies } from "./traffic-metrics.ts";

/** What the pages may see of a sidecar, and the one thing they may do to it. */
export interface SidecarView {
  readonly id: string;
  readonly process: ProcessMetrics;
  /** Undefined until the traffic loops listen. */
  readonly configuration: Configuration | undefined;
  readonly series: SeriesTable;
  /** Undefined where the sidecar has no identity. */
  readonly keeper: CertificateKeeper | undefined;
  readonly healthChecks: HealthMonitor;
  readonly mirrors: MirrorReport;
  /** Undefined where the sidecar answers no DNS. */
  readonly dns: DnsProxy | undefined;
  /** What the kubelet and Prometheus want of the application; undefined where they ask it themselves. */
  readonly application: Application | undefined;
  health(): Health;
  /** Asks all traffic loops; rows of several loops follow each other. */
  describe(what: "clusters" | "connections"): Promise<readonly DescribedRow[]>;
  drain(): void;
}

export interface Application {
  readonly probes: AppProbes;
  /** URL of its own metrics. */
  readonly metrics?: string;
}

/** Standard metrics begin with this until the configuration says otherwise. */
const DEFAULT_PREFIX = "istio";

export function telemetryRoutes(view: SidecarView): Routes {
  const { probes = {}, metrics } = view.application ?? {};
  return withIndex(`Weft sidecar ${view.id}: telemetry`, {
    ...commonRoutes(view),
    ...(metrics === undefined ? {} : { "/metrics": mergedMetrics(view, metrics) }),
    ...appProbeRoutes(probes),
  });
}

export function adminRoutes(view: SidecarView): Routes {
  return withIndex(`Weft sidecar ${view.id}: admin`, {
    ...commonRoutes(view),
    "/config": {
      method: "GET",
      about: "what is applied, with versions; ?type=route&name=catalog.default:80 narrows it down",
      handle: (query) => dumpConfig(view.configuration?.subscriber.applied, query),
    },
    "/clusters": {
      method: "GET",
      about: "clusters and endpoints with their connections and requests, per traffic loop",
      handle: async () => json(200, { items: await view.describe("clusters") }),
    },
    "/health-checks": {
      method: "GET",
      about: "what active health checks say of each endpoint, and why",
      handle: () => describeHealthChecks(view.healthChecks),
    },
    "/mirrors": {
      method: "GET",
      about: "how responses of mirrors differ from the real ones; ?format=text for people",
      handle: (query) => describeMirrors(view.mirrors, query),
    },
    "/dns": {
      method: "GET",
      about: "names of the mesh that were asked for, and whom the DNS proxy asks for others",
      handle: () => describeDns(view.dns),
    },
    "/connections": {
      method: "GET",
      about: "open connections, per traffic loop",
      handle: async () => json(200, { items: await view.describe("connections") }),
    },
    "/certs": {
      method: "GET",
      about: "the sidecar's certificate, the trusted roots, and how renewals go",
      handle: () => describeCertificates(view.keeper),
    },
    "/drain": {
      method: "POST",
      about: "stop taking work, end when what is under way has ended, as SIGTERM does",
      handle: (): Answer => {
        view.drain();
        return text(202, "draining");
      },
    },
  });
}

function commonRoutes(view: SidecarView): Routes {
  return {
    ...healthRoutes(() => view.health()),
    "/metrics": {
      method: "GET",
      about: "Prometheus",
      handle: async () => {
        const { contentType, body } = await expose(families(view));
        return { status: 200, contentType, body };
      },
    },
  };
}

function mergedMetrics(view: SidecarView, url: string): Route {
  return {
    method: "GET",
    about: `Prometheus, with the application's own (${url})`,
    handle: async () => {
      const application = await fetchAppMetrics(url);
      const { contentType, body } = await expose(besides(families(view), application));
      return { status: 200, contentType, body: body + (application ?? "") };
    },
  };
}

function* families({ configuration, series, process, keeper, healthChecks, mirrors, dns }: SidecarView) {
  const applied = configuration?.subscriber.applied;
  const prefix = applied?.listener.get("outbound")?.resource.metricPrefix ?? DEFAULT_PREFIX;
  yield* trafficFamilies(series, prefix);
  if (configuration !== undefined) {
    yield* discoveryFamilies(configuration.counts(), configuration.subscriber.applied);
  }
  yield* healthCheckFamilies(healthChecks);
  yield* mirrorFamilies(mirrors);
  if (dns !== undefined) yield* dnsFamilies(dns);
  if (keeper !== undefined) yield* certificateFamilies(keeper);
  yield* process.families();
}
