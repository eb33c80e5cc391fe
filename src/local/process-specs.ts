/**
 * The command lines of a mesh: one control plane, and for each instance a sidecar and the application.
 */
import { delimiter, dirname, join } from "node:path";
import type { Enrolment } from "./enrolment.ts";
import { applicationEnvironment, cleanEnvironment } from "./environment.ts";
import type { Instance } from "./plan.ts";
import type { ProcessSpec } from "./supervised-process.ts";

/** How to start Weft's own programs. */
export interface WeftProgram {
  /** The Node to run. */
  readonly node: string;
  /** Path of the command line's entry. */
  readonly entry: string;
  /** Node flags and environment that keep a sidecar small. */
  readonly sidecarFlags: readonly string[];
  readonly sidecarEnv: Readonly<Record<string, string>>;
}

export interface ControlPlanePlan {
  readonly directory: string;
  readonly overlay: string;
  readonly host: string;
  readonly discoveryPort: number;
  readonly apiPort: number;
  readonly enrolment: Enrolment;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Everybody's traffic has ended when sidecars are stopped: what is left is not worth waiting long for. */
const SIDECAR_DRAIN = ["--drain-grace", "0s", "--drain-timeout", "2s"] as const;

export function controlPlaneSpec(weft: WeftProgram, plan: ControlPlanePlan, surrounding: Env): ProcessSpec {
  const { host } = plan;
  return {
    role: "control-plane",
    id: "control-plane",
    command: weft.node,
    args: [
      ...[weft.entry, "control-plane", "--config", plan.directory, "--addresses", plan.overlay],
      ...["--host", host, "--discovery-port", String(plan.discoveryPort), "--api-port", String(plan.apiPort)],
      ...["--state-dir", plan.enrolment.stateDir, "--log-format", "json"],
    ],
    env: ownEnvironment(surrounding),
    cwd: process.cwd(),
    ready: { kind: "announcement" },
    ports: { address: host, numbers: [plan.discoveryPort, plan.apiPort] },
  };
}

export function sidecarSpec(
  weft: WeftProgram,
  instance: Instance,
  controlPlane: string,
  enrolment: Enrolment,
  scratch: string,
  surrounding: Env,
): ProcessSpec {
  const { id, sidecar, workload } = instance;
  const labels = Object.entries(workload.labels).map(([name, value]) => `${name}=${value}`);
  return {
    role: "sidecar",
    id,
    command: weft.node,
    args: [
      ...weft.sidecarFlags,
      ...[weft.entry, "sidecar", "--control-plane", controlPlane, "--workload", id],
      ...["--trust-bundle", enrolment.bundleFile, "--trust-domain", enrolment.trustDomain],
      ...["--join-token-file", enrolment.tokenFiles.get(id) ?? ""],
      ...["--host", workload.address, "--service-account", workload.serviceAccount],
      ...["--outbound-port", String(sidecar.outbound), "--inbound-port", String(sidecar.inbound)],
      ...["--admin-port", String(sidecar.admin), "--telemetry-port", String(sidecar.telemetry)],
      ...["--labels", labels.join(","), "--state-dir", join(scratch, id.replace("/", "_"))],
      ...SIDECAR_DRAIN,
    ],
    env: { ...ownEnvironment(surrounding), ...weft.sidecarEnv },
    cwd: process.cwd(),
    ready: { kind: "announcement" },
    ports: { address: workload.address, numbers: Object.values(sidecar) },
  };
}

export function applicationSpec(weft: WeftProgram, instance: Instance, surrounding: Env): ProcessSpec {
  const { workload, ports, sidecar } = instance;
  const [command = "", ...args] = instance.command;
  const [port] = Object.values(ports);
  const env = applicationEnvironment(surrounding, {
    workload: instance.id,
    host: workload.address,
    ports,
    proxy: `http://${workload.address}:${sidecar.outbound}`,
    services: instance.services,
    own: workload.env,
  });
  return {
    role: "app",
    id: instance.id,
    command,
    args,
    // `node` means the one that Weft runs on, not an older one that the machine may have.
    env: { ...env, PATH: [dirname(weft.node), env["PATH"] ?? ""].join(delimiter) },
    cwd: instance.workingDirectory,
    ready: port === undefined ? { kind: "started" } : { kind: "listening", host: workload.address, port },
    ports: { address: workload.address, numbers: Object.values(ports) },
  };
}

/** Our own programs end with us, and take their settings from flags alone. */
function ownEnvironment(surrounding: Env): Record<string, string> {
  return { ...cleanEnvironment(surrounding), WEFT_EXIT_WITH_STDIN: "1" };
}
