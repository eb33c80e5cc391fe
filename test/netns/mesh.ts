/**
 * A mesh of pods: a control plane with its CA in one, and in others an application with its own sidecar (user 1337, mutual TLS) whose
 * traffic `weft init` leads through it. Nothing of it is told where to send anything.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubeconfigOf } from "../kubernetes/source/kubeconfig.ts";
import { beside, Network, type Outcome, type Pod, type Running, WEFT } from "./network.ts";

export const SIDECAR_UID = 1_337;
const PLANE_NUMBER = 200;
/** Of the control plane in its pod: without it, a mesh of weft up on this machine would be asked. */
export const API = "http://127.0.0.1:15014";
const APPLICATION = beside("application.ts");
const CALL = beside("call.ts");

export interface Ports {
  readonly http?: readonly number[];
  readonly echo?: readonly number[];
  readonly banner?: readonly number[];
}

export interface MeshPod extends Pod {
  /** Of its sidecar: what it has said on standard error. */
  readonly log: () => string;
}

export interface PodOptions {
  readonly backend: "nft" | "iptables";
  /** Of `weft init`. */
  readonly init?: readonly string[];
  readonly ports?: Ports;
  readonly applicationUid?: number;
  /** Family of the address by which its sidecar knows the control plane. Default 4. */
  readonly family?: 4 | 6;
  /** Environment of its sidecar. */
  readonly env?: Readonly<Record<string, string>>;
  readonly resolvConf?: string;
}

export interface Called {
  readonly received: string;
  /** Code of the error that ended it; empty: none. */
  readonly error: string;
  /** Until the first byte. */
  readonly firstMs: number;
}

export class Mesh {
  readonly network = new Network();
  readonly #folder = mkdtempSync(join(tmpdir(), "weft-netns-"));
  readonly #plane: Pod;

  private constructor(documents: readonly object[]) {
    chmodSync(this.#folder, 0o755);
    mkdirSync(join(this.#folder, "config"));
    this.write(documents);
    this.#plane = this.network.pod(PLANE_NUMBER);
  }

  static async start(documents: readonly object[]): Promise<Mesh> {
    const mesh = new Mesh(documents);
    const at = ["--config", join(mesh.#folder, "config"), "--state-dir", join(mesh.#folder, "state")];
    await mesh.#plane.start(WEFT, ["control-plane", ...at, "--host", "*"]);
    return mesh;
  }

  /** With a cluster's API server as the source of everything. `objects`: by the path of their list. */
  static async startInCluster(objects: Readonly<Record<string, readonly object[]>>): Promise<Mesh> {
    const mesh = new Mesh([]);
    const file = join(mesh.#folder, "objects.json");
    writeFileSync(file, JSON.stringify(objects));
    const server = await mesh.#plane.start(beside("api-server.ts"), [file]);
    const KUBECONFIG = join(mesh.#folder, "kubeconfig");
    writeFileSync(KUBECONFIG, kubeconfigOf(server.line));
    const args = ["control-plane", "--source", "kubernetes", "--ca-secret", "weft-ca"];
    const at = ["--state-dir", join(mesh.#folder, "state"), "--host", "0.0.0.0"];
    await mesh.#plane.start(WEFT, [...args, ...at], { env: { KUBECONFIG } });
    return mesh;
  }

  /** Replaces the resources. */
  write(documents: readonly object[]): void {
    writeFileSync(
      join(this.#folder, "config", "mesh.yaml"),
      documents.map((each) => JSON.stringify(each)).join("\n---\n"),
    );
  }

  /** A pod whose Workload has this name and service account. */
  async pod(number: number, name: string, options: PodOptions): Promise<MeshPod> {
    const pod = this.network.pod(number, options.resolvConf);
    if (options.ports !== undefined) await startApplication(pod, options.ports, options.applicationUid);
    const init = pod.run([
      process.execPath,
      WEFT,
      "init",
      "--backend",
      options.backend,
      ...(options.init ?? []),
    ]);
    if (init.code !== 0) throw new Error(`weft init: ${init.stderr}`);
    const sidecar = await this.#sidecar(pod, name, options);
    return { ...pod, log: sidecar.stderr };
  }

  async #sidecar(pod: Pod, name: string, { family = 4, env }: PodOptions): Promise<Running> {
    const token = this.#weft("token", "create", "--service-account", name).stdout.trim();
    const { ipv4, ipv6 } = this.#plane;
    const target = family === 4 ? `${ipv4}:15012` : `[${ipv6}]:15012`;
    const trust = ["--trust-bundle", join(this.#folder, "bundle.pem"), "--service-account", name];
    writeFileSync(join(this.#folder, "bundle.pem"), this.#weft("cert", "show", "--pem").stdout);
    const who = ["--workload", `default/${name}`, "--drain-grace", "0s"];
    const args = ["sidecar", "--transparent", "--control-plane", target, ...trust, ...who];
    return pod.start(WEFT, args, { uid: SIDECAR_UID, env: { ...env, WEFT_JOIN_TOKEN: token } });
  }

  #weft(...args: readonly string[]): Outcome {
    const outcome = this.#plane.run([process.execPath, WEFT, ...args, "--api", API]);
    if (outcome.code !== 0) throw new Error(`weft ${args.join(" ")}: ${outcome.stderr}`);
    return outcome;
  }

  async close(): Promise<void> {
    await this.network.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Servers in a pod; resolves when they listen. */
export async function startApplication(pod: Pod, ports: Ports, uid?: number): Promise<void> {
  await pod.start(APPLICATION, [JSON.stringify(ports)], uid === undefined ? {} : { uid });
}

/** One connection from inside a pod. */
export function call(pod: Pod, host: string, port: number, more: object = {}, uid?: number): Called {
  const as = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const { stdout, stderr } = pod.run([
    ...as,
    process.execPath,
    CALL,
    JSON.stringify({ host, port, ...more }),
  ]);
  if (stdout === "") throw new Error(`the call said nothing: ${stderr}`);
  return JSON.parse(stdout) as Called;
}

export interface Got {
  readonly status: number;
  /** Of the application, undefined where it did not answer. */
  readonly body:
    | {
        readonly from: string;
        readonly port: number;
        readonly url: string;
        readonly headers: Record<string, string>;
      }
    | undefined;
  readonly text: string;
}

/** One GET from inside a pod, with this Host. */
export function get(pod: Pod, host: string, port: number, hostField: string, path = "/"): Got {
  const send = `GET ${path} HTTP/1.1\r\nhost: ${hostField}\r\nconnection: close\r\n\r\n`;
  const { received, error } = call(pod, host, port, { send });
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0);
  const json = /\{.*\}/s.exec(received)?.[0];
  return {
    status,
    body: json === undefined || status !== 200 ? undefined : (JSON.parse(json) as Got["body"]),
    text: received || error,
  };
}
