/**
 * A compose project in the tests' engine: a copy of its folder, brought up by the commands of deploy/compose/README.md, with images made
 * here.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { weft } from "../harness/weft.ts";
import { Capture, type Flow } from "./capture.ts";
import type { Compose } from "./composes.ts";
import { type Engine, until } from "./engine.ts";
import { NODE, WEFT } from "./images.ts";

const ROOT = join(import.meta.dirname, "../..");
const INJECTED = "compose.weft.yml";
const ASK = join(import.meta.dirname, "ask.ts");
const LIMIT_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const isGood = ({ status }: Answer): boolean => status === 200;

export const allGood = (answers: readonly Answer[]): boolean => answers.every(isGood);

/** Fails with the first that is none. */
export function expectGood(answers: readonly Answer[]): void {
  expect(answers.find((answer) => !isGood(answer))).toBeUndefined();
}

export interface Container {
  readonly Id: string;
  readonly State: { readonly Pid: number; readonly Status: string; readonly ExitCode: number };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: { readonly ReadonlyRootfs: boolean };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, Network>> };
}

interface Network {
  readonly NetworkID: string;
  readonly IPAddress: string;
}

export class Project {
  readonly #engine: Engine;
  readonly #compose: Compose;
  readonly #folder: string;
  readonly #name: string;
  readonly #file: string;

  private constructor(engine: Engine, compose: Compose, folder: string, name: string, file: string) {
    this.#engine = engine;
    this.#compose = compose;
    this.#folder = folder;
    this.#name = name;
    this.#file = file;
  }

  /** As it is in the repository, without a mesh. */
  static plain(engine: Engine, compose: Compose): Project {
    return new Project(engine, compose, copyOfExample().folder, "weft-plain", "docker-compose.yml");
  }

  static async example(engine: Engine, compose: Compose): Promise<Project> {
    const { folder, text } = copyOfExample();
    return Project.#injected(engine, compose, folder, text);
  }

  /** Of this text, with these resources. */
  static async of(engine: Engine, compose: Compose, text: string, config = ""): Promise<Project> {
    const folder = join(mkdtempSync(join(tmpdir(), "weft-compose-")), "deploy/compose");
    mkdirSync(join(folder, "config"), { recursive: true });
    if (config !== "") writeFileSync(join(folder, "config/config.yaml"), config);
    return Project.#injected(engine, compose, folder, text);
  }

  static async #injected(engine: Engine, compose: Compose, folder: string, text: string): Promise<Project> {
    const project = new Project(engine, compose, folder, "weft-mesh", INJECTED);
    await project.inject(text);
    return project;
  }

  /** Its compose file is now what becomes of this one. */
  async inject(text: string): Promise<void> {
    const { code, stdout, stderr } = await weft(text, "inject", "-", "--sidecar-image", WEFT);
    if (code !== 0) throw new Error(stderr);
    writeFileSync(join(this.#folder, INJECTED), stdout);
  }

  compose(...args: readonly string[]): string {
    const [program, ...first] = this.#compose.command;
    const given = [...first, "--project-name", this.#name, "--file", this.#file, ...args];
    return this.#engine.run(program, given, { cwd: this.#folder, env: { PROGRAM_IMAGE: NODE } });
  }

  up(): void {
    this.compose("up", "-d");
  }

  /** At once: sidecars that are asked to end serve for some seconds more. */
  down(): void {
    this.compose("down", "--volumes", "--timeout", "0");
    rmSync(join(this.#folder, "../.."), { recursive: true, force: true });
  }

  /** By service. */
  containers(): ReadonlyMap<string, Container> {
    const ids = this.#listed("ps", "--all");
    const found = ids.length === 0 ? "[]" : this.#engine.docker(["inspect", ...ids]);
    return new Map(
      (JSON.parse(found) as readonly Container[]).map((each) => [
        each.Config.Labels["com.docker.compose.service"] ?? "",
        each,
      ]),
    );
  }

  container(service: string): Container {
    const found = this.containers().get(service);
    if (found === undefined) throw new Error(`${service} has no container`);
    return found;
  }

  /** Runs a command in the container of a service; throws when it fails. */
  exec(service: string, ...command: readonly string[]): string {
    return this.#engine.docker(["exec", this.container(service).Id, ...command]);
  }

  /** Its process ends as if it had crashed: `docker kill` would not be followed by a restart. */
  crash(service: string): void {
    process.kill(this.container(service).State.Pid, "SIGKILL");
  }

  /** Address of a service in the only network that it has. */
  address(service: string): string {
    return networkOf(this.container(service)).IPAddress;
  }

  /** What these services, which share a network, sent each other meanwhile. */
  async captured(services: readonly string[], meanwhile: () => void): Promise<readonly Flow[]> {
    const networks = services.map((name) => networkOf(this.container(name)));
    const capture = await Capture.start(`br-${networks[0]?.NetworkID.slice(0, 12)}`, this.#engine.inside);
    meanwhile();
    const flows = await capture.stop();
    const addresses = networks.map(({ IPAddress }) => IPAddress);
    const isTheirs = (side: string) => addresses.includes(side.split(":")[0] ?? "");
    return flows.filter(({ from, to }) => isTheirs(from) && isTheirs(to));
  }

  /** From outside: as a browser on the machine does. */
  get(count = 1, url = "http://127.0.0.1:8080/"): readonly Answer[] {
    const command = [...this.#engine.inside, process.execPath, ASK, url, String(count)];
    const [program = "", ...args] = command;
    const lines = this.#engine.run(program, args).split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Answer);
  }

  config(file: string): string {
    return readFileSync(join(this.#folder, "config", file), "utf8");
  }

  writeConfig(file: string, text: string): void {
    writeFileSync(join(this.#folder, "config", file), text);
  }

  removeConfig(file: string): void {
    rmSync(join(this.#folder, "config", file));
  }

  /** What the engine still has of it: containers, networks, volumes. */
  remains(): readonly string[] {
    return [
      ...this.#listed("ps", "--all"),
      ...this.#listed("network", "ls"),
      ...this.#listed("volume", "ls"),
    ];
  }

  #listed(...command: readonly string[]): readonly string[] {
    const mine = ["--filter", `label=com.docker.compose.project=${this.#name}`, "--quiet"];
    return this.#engine
      .docker([...command, ...mine])
      .split("\n")
      .filter(Boolean);
  }

  /** Asks so often at the published port, and again until the answers are as wanted. */
  async untilAnswers(wanted: (answers: readonly Answer[]) => boolean, count = 1): Promise<void> {
    let last: readonly Answer[] = [];
    const ask = () => {
      last = this.get(count);
      return wanted(last);
    };
    await until(ask, LIMIT_MS, () => `last answers:\n${summaryOf(last)}\n${this.#state()}`);
  }

  /** How far each sidecar is, and what everybody has said: of a failure in CI nothing else is left. */
  #state(): string {
    const logs = this.compose("logs", "--no-color", "--timestamps", "--tail", "20");
    try {
      return `${this.compose("exec", "-T", "weft-control-plane", "weft", "status")}\n${logs}`;
    } catch (error) {
      return `${String(error)}\n${logs}`;
    }
  }
}

/** Each answer once, with how often it came; what is different in each of them is left out. */
function summaryOf(answers: readonly Answer[]): string {
  const counts = new Map<string, number>();
  for (const { status, text } of answers) {
    const line = `${status} ${text.replaceAll(/\s+/g, " ").replace(/"requestId": "[^"]*", /, "")}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `${count} × ${line}`).join("\n");
}

function networkOf({ NetworkSettings }: Container): Network {
  const [only] = Object.values(NetworkSettings.Networks);
  if (only === undefined) throw new Error("a container without a network");
  return only;
}

function copyOfExample(): { readonly folder: string; readonly text: string } {
  const root = mkdtempSync(join(tmpdir(), "weft-compose-"));
  for (const part of ["deploy/compose", "config/demo/app"])
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  const folder = join(root, "deploy/compose");
  return { folder, text: readFileSync(join(folder, "docker-compose.yml"), "utf8") };
}
