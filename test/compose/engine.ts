/**
 * A Docker engine of the tests' own, everything of it in one directory. Images are built while it has the machine's network; for the
 * projects it gets a network namespace, so that neither the machine's rules nor another engine's stand in their way, ports that
 * are in use here are free there, and nothing is left when it ends. Directory and namespace carry the pid of the test: what a killed
 * one left is found and taken down by the next.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram, WIDE_PATH } from "../harness/requires.ts";

const PREFIX = "weft-docker-";
const START_MS = 30_000;
const STOP_MS = 30_000;
const COMMAND_MS = 120_000;
const MAX_OUTPUT = 64 * 1_024 ** 2;

export interface RunOptions {
  readonly input?: Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class Engine {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    // Without BuildKit, whose plugin is not on every machine, and without what somebody's configuration file names.
    const own = { DOCKER_HOST: hostOf(folder), DOCKER_CONFIG: folder, DOCKER_BUILDKIT: "0" };
    this.#env = { ...process.env, ...own, PATH: WIDE_PATH };
  }

  static async open(): Promise<Engine> {
    for (const folder of abandoned()) await new Engine(folder).close();
    const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    addPlugin(folder, "docker-compose", "docker-compose-v2");
    const engine = new Engine(folder);
    await engine.#start([]);
    return engine;
  }

  async #start(inside: readonly string[]): Promise<void> {
    const file = join(this.#folder, "daemon.json");
    writeFileSync(file, JSON.stringify(configuration(this.#folder, inside.length > 0)));
    const log = join(this.#folder, "log");
    const fd = openSync(log, "a");
    const [program = "", ...args] = [...inside, "dockerd", "--config-file", file];
    const child = spawn(program, args, {
      stdio: ["ignore", fd, fd],
      env: this.#env,
      detached: true,
    });
    child.unref();
    const said = () => `dockerd: ${readFileSync(log, "utf8")}`;
    const answers = () => {
      if (child.exitCode !== null) throw new Error(said());
      return spawnSync("docker", ["version"], { env: this.#env, timeout: COMMAND_MS }).status === 0;
    };
    await until(answers, START_MS, said);
  }

  /** From now on in a network namespace of its own. */
  async leaveNetwork(): Promise<void> {
    await stop(this.#folder);
    this.run("ip", ["netns", "add", this.#namespace]);
    this.run("ip", ["-n", this.#namespace, "link", "set", "lo", "up"]);
    await this.#start(this.inside);
  }

  /** As the machine's restart does. */
  async restart(): Promise<void> {
    await stop(this.#folder);
    await this.#start(this.inside);
  }

  /** What a command begins with that is to run in its network. */
  get inside(): readonly string[] {
    return ["nsenter", `--net=/run/netns/${this.#namespace}`];
  }

  get #namespace(): string {
    return basename(this.#folder);
  }

  /** Runs `docker`; throws with what it said when it fails. */
  docker(args: readonly string[], options: RunOptions = {}): string {
    return this.run("docker", args, options);
  }

  run(program: string, args: readonly string[], { input, env, cwd }: RunOptions = {}): string {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      encoding: "utf8",
      timeout: COMMAND_MS,
      maxBuffer: MAX_OUTPUT,
      env: { ...this.#env, ...env },
      ...(input === undefined ? {} : { input }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (status === 0) return stdout;
    throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? ""} ${stdout} ${stderr}`);
  }

  /** What the kernel says of a process in a container: the first word of each line. */
  status(pid: number): Readonly<Record<string, string>> {
    const lines = readFileSync(`/proc/${pid}/status`, "utf8").matchAll(/^(\w+):\s*(\S*)/gm);
    return Object.fromEntries([...lines].map(([, name = "", value = ""]) => [name, value]));
  }

  /** Takes everything down. */
  async close(): Promise<void> {
    if (pidOf(this.#folder) !== undefined) {
      const containers = this.docker(["ps", "--all", "--quiet"]).split("\n").filter(Boolean);
      if (containers.length > 0) this.docker(["rm", "--force", "--volumes", ...containers]);
    }
    await stop(this.#folder);
    endChildren(this.#folder);
    for (const mount of mountsIn(this.#folder)) spawnSync("umount", ["--lazy", mount]);
    spawnSync("ip", ["netns", "del", this.#namespace]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Where that program is, `docker` has it as this plugin. */
function addPlugin(folder: string, name: string, program: string): void {
  const path = findProgram(program);
  if (path === undefined) return;
  mkdirSync(join(folder, "cli-plugins"));
  symlinkSync(path, join(folder, "cli-plugins", name));
}

function configuration(folder: string, hasNetwork: boolean): object {
  const inFolder = (name: string) => join(folder, name);
  mkdirSync(inFolder("data"), { recursive: true });
  return {
    hosts: [hostOf(folder)],
    "data-root": inFolder("data"),
    "exec-root": inFolder("exec"),
    pidfile: inFolder("pid"),
    "containerd-namespace": "weft-test",
    "containerd-plugins-namespace": "weft-test-plugins",
    bridge: "none",
    iptables: hasNetwork,
    "ip-forward": hasNetwork,
    "default-address-pools": [{ base: "198.18.64.0/18", size: 24 }],
  };
}

function hostOf(folder: string): string {
  return `unix://${join(folder, "socket")}`;
}

/** Undefined where it does not run. */
function pidOf(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
    return commandOf(pid).includes(`${folder}/`) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Empty where there is no such process. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function parentOf(pid: string): string | undefined {
  try {
    return /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}

async function stop(folder: string): Promise<void> {
  const pid = pidOf(folder);
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  await until(
    () => pidOf(folder) === undefined,
    STOP_MS,
    () => `dockerd ${pid} does not end`,
  );
}

/** Of tests that have been killed. */
function abandoned(): readonly string[] {
  const names = readdirSync(tmpdir()).filter((name) => {
    const owner = /^weft-docker-(\d+)-/.exec(name)?.[1];
    return owner !== undefined && !isAlive(Number(owner));
  });
  return names.map((name) => join(tmpdir(), name));
}

/** An engine that was killed leaves containers and what watches over them; all of them name its directory. */
function endChildren(folder: string): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (!commandOf(Number(pid)).includes(`${folder}/`)) continue;
    const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
    for (const each of [pid, ...children]) kill(Number(each));
  }
}

function mountsIn(folder: string): readonly string[] {
  const paths = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return paths.filter((path) => path.startsWith(`${folder}/`)).reverse();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Asks again until it holds; throws with `problem` when it has not in time. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
  problem: () => string,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(problem());
    await sleep(100);
  }
}
