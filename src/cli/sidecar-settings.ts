/** What the flags of `weft sidecar` mean: who the sidecar is, and how it is set up. */
import type { Node } from "../discovery/messages.ts";
import { readAppProbes } from "../proxy/admin/app-probe-table.ts";
import type { SidecarOptions } from "../proxy/sidecar-options.ts";
import { anyAddress } from "./any-address.ts";
import { parseDuration } from "./duration.ts";
import { parseEndpoint } from "./endpoint.ts";
import { usageError } from "./exit.ts";
import { parseResolvers } from "./resolvers.ts";
import type { Flags } from "./sidecar-flags.ts";
import { version } from "./version.ts";

/** Young generation of a traffic loop, in MB: see docs/decisions/0004-sidecar-memory.md. */
const YOUNG_GENERATION_MB = 8;
export type Settings = Omit<SidecarOptions, "connect" | "keeper" | "warn" | "onDrainRequested" | "onFailure">;

/** Throws a usage error when the flags don't say whose sidecar it is. */
export function settingsOf(flags: Flags): Settings {
  const appPort = flags.get("app-port");
  const stateDir = flags.get("state-dir");
  const isTransparent = flags.get("transparent") !== undefined;
  const [dnsPort, dnsServers] = [flags.get("dns-port"), flags.get("dns-servers")];
  const resolvers = dnsServers === undefined ? undefined : parseResolvers(dnsServers);
  const host = isTransparent ? anyAddress() : flags.get("host");
  const inboundHost = flags.get("inbound-host") ?? host;
  const advertised = parseEndpoint(flags.get("advertise") ?? "");
  return {
    node: nodeOf(flags, advertised?.address ?? inboundHost),
    host,
    inboundHost,
    ...(advertised === undefined ? {} : { advertisedPort: advertised.port }),
    isTransparent,
    ports: {
      outbound: Number(flags.get("outbound-port")),
      inbound: Number(flags.get("inbound-port")),
      admin: Number(flags.get("admin-port")),
      telemetry: Number(flags.get("telemetry-port")),
      ...(dnsPort === undefined ? {} : { dns: Number(dnsPort) }),
    },
    ...(resolvers && { resolvers }),
    ...(appPort === undefined ? {} : { appPort: Number(appPort) }),
    ...applicationOf(flags),
    concurrency: Number(flags.get("concurrency")),
    outboundScope: flags.get("outbound-scope") === "all" ? "all" : "lazy",
    ...(stateDir === undefined ? {} : { stateDir }),
    drainGraceMs: parseDuration(flags.get("drain-grace")) ?? 0,
    drainTimeoutMs: parseDuration(flags.get("drain-timeout")) ?? 0,
    youngGenerationMb: YOUNG_GENERATION_MB,
  };
}

function applicationOf(flags: Flags): Pick<Settings, "application"> {
  const [text, metrics] = [flags.get("app-probes"), flags.get("app-metrics")];
  const probes = readAppProbes(text ?? "{}");
  if (typeof probes === "string" || (text === undefined && metrics === undefined)) return {};
  return { application: metrics === undefined ? { probes } : { probes, metrics } };
}

/** Who this sidecar is. A Service names it where there is no Workload. */
function nodeOf(flags: Flags, host: string): Omit<Node, "ports"> {
  const service = flags.get("service");
  const owner = flags.get("workload") ?? service;
  if (owner === undefined)
    throw usageError("say whose sidecar this is: --workload NS/NAME, or --service NAME");
  const [namespace, workload] = splitName(owner);
  const registers = flags.get("register") !== undefined;
  if (registers && (service === undefined || flags.get("app-port") === undefined))
    throw usageError("--register needs --service and --app-port");
  return {
    ...(registers && { registers }),
    id: `${namespace}/${workload}`,
    namespace,
    workload,
    ...(service === undefined ? {} : { service: splitName(service)[1] }),
    serviceAccount: flags.get("service-account"),
    labels: labelsOf(flags.get("labels")),
    address: host,
    version: version(),
  };
}

function splitName(name: string): readonly [namespace: string, name: string] {
  const slash = name.indexOf("/");
  return slash < 0 ? ["default", name] : [name.slice(0, slash), name.slice(slash + 1)];
}

function labelsOf(list: string): Readonly<Record<string, string>> {
  const pairs = list === "" ? [] : list.split(",");
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}
