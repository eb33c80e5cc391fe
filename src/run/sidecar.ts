/** The command line of the sidecar beside a command. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunSettings } from "./settings.ts";

export interface SidecarPlace {
  /** Where it takes what others send. */
  readonly inboundHost: string;
  readonly ports: {
    readonly outbound: number;
    readonly inbound: number;
    readonly admin: number;
    readonly telemetry: number;
  };
  /** Where others reach it, if not there. */
  readonly advertise?: string;
  /** More flags. */
  readonly more?: readonly string[];
}

/** The command has ended when it is asked to drain: nobody's request can be answered any more. */
const DRAIN = ["--drain-grace", "0s", "--drain-timeout", "2s"] as const;

/** What follows `weft`. `folder`: its own; `pid`: whom it ends with. */
export function sidecarArguments(
  settings: RunSettings,
  { inboundHost, ports, advertise, more = [] }: SidecarPlace,
  folder: string,
  pid: number,
): readonly string[] {
  const { namespace, workload, service, port, trust, sidecarLog } = settings;
  const labels = Object.entries(settings.labels).map(([name, value]) => `${name}=${value}`);
  return [
    ...["sidecar", "--control-plane", settings.controlPlane, "--workload", `${namespace}/${workload}`],
    ...["--service-account", settings.serviceAccount, "--labels", labels.join(",")],
    ...(port === undefined ? [] : ["--service", service, "--app-port", String(port), "--register"]),
    ...(trust === undefined
      ? ["--insecure"]
      : ["--trust-bundle", bundleFile(trust.bundle, folder), "--trust-domain", trust.domain]),
    ...(trust?.tokenFile === undefined ? [] : ["--join-token-file", trust.tokenFile]),
    ...["--inbound-host", inboundHost, "--inbound-port", String(ports.inbound)],
    ...(advertise === undefined ? [] : ["--advertise", advertise]),
    ...["--outbound-port", String(ports.outbound), "--admin-port", String(ports.admin)],
    ...["--telemetry-port", String(ports.telemetry), "--state-dir", join(folder, "state")],
    ...["--exit-with-pid", String(pid), "--log-level", sidecarLog === undefined ? "warn" : "info"],
    ...DRAIN,
    ...more,
  ];
}

function bundleFile(bundle: NonNullable<RunSettings["trust"]>["bundle"], folder: string): string {
  if (bundle.kind === "file") return bundle.path;
  const path = join(folder, "trust-bundle.pem");
  writeFileSync(path, bundle.pem);
  return path;
}
