/**
 * A real mesh for measurements: a control plane with a CA of its own, and sidecars that enrol with it by join token, each a process,
 * with everything at its defaults: STRICT mutual TLS among them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { enrol } from "../src/discovery/enrol-client.ts";
import { makeCsr } from "../src/identity/csr.ts";
import { makeKey, privateKeyPem } from "../src/identity/key.ts";
import { acceptChain } from "../src/identity/svid.ts";
import { parseBundle } from "../src/identity/trust-bundle.ts";
import { type ApiClient, apiClient } from "../src/local/api-client.ts";
import type { TokenAnswer } from "../src/local/api-types.ts";
import { isServing } from "../src/local/readiness.ts";
import { planeTls } from "../src/proxy/enrolment/plane-tls.ts";
import { build } from "./built.ts";
import { type Child, start } from "./children.ts";
import { announced } from "./peers/announced.ts";

const MAIN = build();
const READY_MS = 20_000;
/** A sidecar gives an attempt up after 5 s and comes again; nobody here does. */
const ENROL_MS = 60_000;
const TRUST_DOMAIN = "cluster.local";

export interface RunningPlane {
  readonly child: Child;
  /** `HOST:PORT` for sidecars. */
  readonly target: string;
  readonly bundleFile: string;
  readonly api: ApiClient;
  /** Directory where the state of the plane, and of its sidecars, is kept. */
  readonly dir: string;
}

/** Starts a control plane over a directory of resources; `dir` takes its state. */
export async function startPlane(config: string, dir: string, cpu?: number): Promise<RunningPlane> {
  const command = [process.execPath, MAIN, "control-plane", "--config", config, "--state-dir", dir];
  command.push("--discovery-port", "0", "--api-port", "0", "--log-level", "error");
  const child = start(command, cpu);
  const target = `127.0.0.1:${await announced(child, "discoveryPort")}`;
  const api = apiClient(`http://127.0.0.1:${await announced(child, "apiPort")}`);
  return { child, target, api, dir, bundleFile: join(dir, "trust-bundle.pem") };
}

/** A join token for a service account of namespace `default`. */
export async function tokenFor(plane: RunningPlane, serviceAccount: string, uses: number): Promise<string> {
  const wish = { namespace: "default", serviceAccount, uses, ttlMs: 3_600_000 };
  return (await plane.api.call<TokenAnswer>("POST", "/v1/tokens", wish)).token;
}

const bundleOf = ({ bundleFile }: RunningPlane): string => readFileSync(bundleFile, "utf8");

export interface SidecarWish {
  /** Workload of namespace `default`, and its service account. */
  readonly workload: string;
  readonly serviceAccount: string;
  readonly token: string;
  readonly inboundPort: number;
  readonly cpu?: number | undefined;
}

export interface RunningSidecar {
  readonly child: Child;
  readonly outboundPort: number;
}

/** Starts a sidecar; resolves when it is ready. */
export async function startSidecar(plane: RunningPlane, wish: SidecarWish): Promise<RunningSidecar> {
  const { workload, serviceAccount, token, inboundPort, cpu } = wish;
  const command = [process.execPath, MAIN, "sidecar", "--control-plane", plane.target];
  command.push("--trust-bundle", plane.bundleFile, "--workload", `default/${workload}`);
  command.push("--service-account", serviceAccount, "--state-dir", join(plane.dir, `sidecar-${workload}`));
  command.push("--inbound-port", String(inboundPort), "--labels", `app=${serviceAccount}`);
  for (const port of ["outbound", "admin", "telemetry"]) command.push(`--${port}-port`, "0");
  const child = start(command, cpu, { WEFT_JOIN_TOKEN: token });
  const telemetry = await announced(child, "telemetryPort");
  if (!(await isServing("127.0.0.1", telemetry, AbortSignal.timeout(READY_MS)))) {
    const said = `${child.output().slice(-400)}${plane.child.output().slice(-400)}`;
    throw new Error(`sidecar ${workload} is not ready: ${said}`);
  }
  return { child, outboundPort: await announced(child, "outboundPort") };
}

/** A certificate for a service account of namespace `default`, got as a sidecar gets it; all as PEM. */
export async function enrolHere(
  plane: RunningPlane,
  serviceAccount: string,
  token: string,
): Promise<{ readonly key: string; readonly cert: string; readonly ca: string }> {
  const parsed = parseBundle(bundleOf(plane));
  if (parsed.kind === "invalid") throw new Error(parsed.fault);
  const { bundle } = parsed;
  const key = makeKey();
  const request = { csr: makeCsr(key).toString("base64"), token };
  const tls = planeTls(bundle, TRUST_DOMAIN, undefined);
  const result = await enrol(plane.target, request, tls, ENROL_MS);
  if (result.kind === "refused") throw new Error(result.refusal.text);
  const id = `spiffe://${TRUST_DOMAIN}/ns/default/sa/${serviceAccount}`;
  const rule = { bundle, trustDomain: TRUST_DOMAIN, now: Date.now(), id };
  const accepted = acceptChain(key, result.answer.chain, rule);
  if (accepted.kind === "refused") throw new Error(accepted.reason);
  return { key: privateKeyPem(key), cert: result.answer.chain, ca: bundle.pem };
}

/** Resolves when `holds` is true; throws with `what` after `ms`. */
export async function until(what: string, ms: number, holds: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`${what}: not within ${ms} ms`);
    await sleep(20);
  }
}
