/**
 * Pods on one machine: network namespaces that share nothing with the machine's own, joined by a bridge in yet another one. Their
 * addresses are from 198.18.0.0/15 and 2001:2::/48, which nobody routes (RFC 2544, RFC 5180); there is no way out. Namespaces carry the
 * pid of the test, so that those of a test that was killed are found and removed by the next.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { compileCacheOf } from "../harness/compile-cache.ts";
import { keepLog } from "../harness/process-logs.ts";

const PREFIX = "weft-test-";
const FOLDER = "/run/netns";
/** Files there stand for those of /etc in a namespace's programs (ip-netns(8)). */
const ETC = "/etc/netns";
const COMMAND_MS = 20_000;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The sidecar's user, or any other. */
export interface SpawnOptions {
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Pod {
  readonly ipv4: string;
  readonly ipv6: string;
  /** Runs a program to its end, as root. */
  run(command: readonly string[], input?: string): Outcome;
  /** Starts a Node program that says one line when it is ready; resolves with that line. */
  start(script: string, args: readonly string[], options?: SpawnOptions): Promise<Running>;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly line: string;
  /** What it says after that. */
  readonly lines: Interface;
  readonly stderr: () => string;
}

export class Network {
  readonly #children: ChildProcessWithoutNullStreams[] = [];
  readonly #namespaces: string[] = [];
  readonly #hub: string;

  constructor() {
    removeAbandoned();
    this.#hub = this.#namespace("hub");
    ip("-n", this.#hub, "link", "add", "br0", "type", "bridge");
    ip("-n", this.#hub, "link", "set", "br0", "up");
  }

  /** `number`: of its addresses, 1 to 200. `resolvConf`: its programs' resolv.conf; absent: the machine's. */
  pod(number: number, resolvConf?: string): Pod {
    const name = this.#namespace(String(number));
    const ipv4 = `198.18.0.${number}`;
    const ipv6 = `2001:2::${number}`;
    const peer = `p${number}`;
    ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", peer, "netns", this.#hub);
    ip("-n", this.#hub, "link", "set", peer, "master", "br0", "up");
    ip("-n", name, "link", "set", "eth0", "up");
    ip("-n", name, "addr", "add", `${ipv4}/15`, "dev", "eth0");
    ip("-n", name, "-6", "addr", "add", `${ipv6}/48`, "dev", "eth0", "nodad");
    // Where the probe of weft init goes; in a real pod the default route leads there.
    ip("-n", name, "route", "add", "192.0.2.0/24", "dev", "eth0");
    ip("-n", name, "-6", "route", "add", "2001:db8::/32", "dev", "eth0");
    // So do automatic addresses.
    ip("-n", name, "route", "add", "240.0.0.0/4", "dev", "eth0");
    if (resolvConf !== undefined) {
      mkdirSync(join(ETC, name), { recursive: true });
      writeFileSync(join(ETC, name, "resolv.conf"), resolvConf);
    }
    return {
      ipv4,
      ipv6,
      run: (command, input = "") => run(["ip", "netns", "exec", name, ...command], input),
      start: (script, args, options = {}) => this.#start(name, script, args, options),
    };
  }

  #namespace(name: string): string {
    const full = `${PREFIX}${process.pid}-${name}`;
    ip("netns", "add", full);
    this.#namespaces.push(full);
    ip("-n", full, "link", "set", "lo", "up");
    return full;
  }

  async #start(
    name: string,
    script: string,
    args: readonly string[],
    options: SpawnOptions,
  ): Promise<Running> {
    const { uid, env } = options;
    const as = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const command = ["netns", "exec", name, ...as, process.execPath, script, ...args];
    const child = spawn("ip", command, {
      env: { ...process.env, ...(uid === undefined ? {} : compileCacheOf(uid)), ...env },
    });
    this.#children.push(child);
    keepLog([name, script, ...args].join(" "), child);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
    });
    const lines = createInterface(child.stdout);
    const ready = Promise.withResolvers<string>();
    lines.once("line", ready.resolve);
    lines.once("close", () => ready.reject(new Error(`${script} ended before it was ready: ${stderr}`)));
    return { child, line: await ready.promise, lines, stderr: () => stderr };
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(ended));
    for (const name of this.#namespaces) remove(name);
  }
}

/** Path of a file beside this one. */
export function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export const WEFT = beside("../../src/cli/main.ts");

async function ended(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

function ip(...args: readonly string[]): void {
  const { code, stderr } = run(["ip", ...args], "");
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}

function run([program = "", ...args]: readonly string[], input: string): Outcome {
  const { status, stdout, stderr } = spawnSync(program, args, {
    input,
    encoding: "utf8",
    timeout: COMMAND_MS,
  });
  return { code: status, stdout, stderr };
}

function removeAbandoned(): void {
  for (const name of namespaces()) {
    const pid = Number(/^weft-test-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    remove(name);
  }
}

function remove(name: string): void {
  run(["ip", "netns", "del", name], "");
  rmSync(join(ETC, name), { recursive: true, force: true });
}

function namespaces(): readonly string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
