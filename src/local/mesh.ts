/**
 * A whole mesh of processes on this machine, in the order in which they need each other: the control plane, then the
 * sidecars, then the applications; ended in the opposite order. Addresses are chosen before anything starts and written
 * where the control plane reads them, so a process that is started again is found where it was.
 */
import { join } from "node:path";
import { writeJsonAtomically } from "./atomic-file.ts";
import type { PrepareEnrolment } from "./enrolment.ts";
import { MeshCopy } from "./mesh-copy.ts";
import {
  addressOverlay,
  type Entry,
  findEntry,
  type Instance,
  type PlannedService,
  type PlannedWorkload,
  planInstances,
} from "./plan.ts";
import { HeldPorts, isFree } from "./ports.ts";
import { applicationSpec, controlPlaneSpec, sidecarSpec, type WeftProgram } from "./process-specs.ts";
import { isServing } from "./readiness.ts";
import { Reaper } from "./reaper.ts";
import { makeScratch, removeScratch } from "./scratch.ts";
import { type ProcessEvent, type ProcessSpec, type Role, SupervisedProcess } from "./supervised-process.ts";

export interface MeshOptions {
  /** Directory of resources. */
  readonly directory: string;
  /** Whether the control plane gets a copy of it, which ends with the mesh. */
  readonly isCopied: boolean;
  readonly workloads: readonly PlannedWorkload[];
  readonly services: readonly PlannedService[];
  readonly prepareEnrolment: PrepareEnrolment;
  readonly weft: WeftProgram;
  /** Port of the control plane's API; 0: any. */
  readonly apiPort: number;
  /** How long everything together may take to become ready, in milliseconds. */
  readonly startTimeoutMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: (event: ProcessEvent) => void;
}

/** What did not become ready, with the last lines it printed. */
export class StartError extends Error {
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = []) {
    super(message);
    this.name = "StartError";
    this.details = details;
  }
}

const HOST = "127.0.0.1";
const APP_GRACE_MS = 3_000;
const SIDECAR_GRACE_MS = 4_000;
const CONTROL_PLANE_GRACE_MS = 3_000;

export class Mesh {
  readonly instances: readonly Instance[];
  /** The Service to try first, if one is annotated. */
  readonly entry: Entry | undefined;
  /** Base URL of the control plane's API. */
  readonly api: string;
  /** `HOST:PORT` for sidecars. */
  readonly discovery: string;
  readonly #options: MeshOptions;
  readonly #ports: HeldPorts;
  readonly #reaper = new Reaper();
  readonly #scratch = makeScratch();
  readonly #processes: SupervisedProcess[] = [];
  #copy: MeshCopy | undefined;

  private constructor(
    options: MeshOptions,
    ports: HeldPorts,
    instances: readonly Instance[],
    apiPort: number,
    discoveryPort: number,
  ) {
    this.#options = options;
    this.#ports = ports;
    this.instances = instances;
    this.entry = findEntry(options.services, instances);
    this.api = `http://${HOST}:${apiPort}`;
    this.discovery = `${HOST}:${discoveryPort}`;
  }

  /** Chooses ports. Throws a StartError where nothing can be run, or where a port asked for is taken. */
  static async plan(options: MeshOptions): Promise<Mesh> {
    const ports = new HeldPorts();
    const hold = (address: string) => ports.hold(address);
    if (options.apiPort !== 0 && !(await isFree(HOST, options.apiPort))) {
      throw new StartError(`port ${options.apiPort} for the API is in use`, [
        "--api-port 0 takes a free one",
      ]);
    }
    const instances = await planInstances(options.directory, options.workloads, options.services, hold);
    if (instances.length === 0) {
      throw new StartError(`${options.directory} has no Workload with a command: nothing to run`);
    }
    const apiPort = options.apiPort === 0 ? await hold(HOST) : options.apiPort;
    return new Mesh(options, ports, instances, apiPort, await hold(HOST));
  }

  /** Starts everything in order. Rejects with a StartError when time runs out or `signal` aborts; `stop` then, too. */
  async start(signal: AbortSignal): Promise<void> {
    const { directory, isCopied, weft, env, startTimeoutMs } = this.#options;
    if (isCopied) this.#copy = new MeshCopy(directory, join(this.#scratch, "mesh"));
    const enrolment = await this.#options.prepareEnrolment(
      join(this.#scratch, "control-plane"),
      this.instances,
    );
    const overlay = join(this.#scratch, "addresses.json");
    writeJsonAtomically(overlay, addressOverlay(this.instances));
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
    const [apiPort, discoveryPort] = [this.api, this.discovery].map((at) => Number(at.split(":").at(-1)));
    const controlPlane = {
      directory: this.#copy?.directory ?? directory,
      ...{ overlay, host: HOST, discoveryPort: discoveryPort ?? 0, apiPort: apiPort ?? 0, enrolment },
    };
    await this.#startAll([controlPlaneSpec(weft, controlPlane, env)], deadline);
    await this.#startAll(
      this.instances.map((i) => sidecarSpec(weft, i, this.discovery, enrolment, this.#scratch, env)),
      deadline,
    );
    await this.#untilServing(deadline);
    await this.#startAll(
      this.instances.map((i) => applicationSpec(weft, i, env)),
      deadline,
    );
  }

  /** Ends everything, in order, by SIGTERM and after a grace by SIGKILL. */
  async stop(): Promise<void> {
    await this.#stopAll("app", APP_GRACE_MS);
    await this.#stopAll("sidecar", SIDECAR_GRACE_MS);
    await this.#stopAll("control-plane", CONTROL_PLANE_GRACE_MS);
    await this.#ports.releaseAll();
    this.#copy?.close();
    await this.#reaper.close();
    removeScratch(this.#scratch);
  }

  /** Ends everything at once. */
  kill(): void {
    for (const process of this.#processes) process.kill();
    removeScratch(this.#scratch);
  }

  /** Processes that run now, for the display and for tests. */
  get processes(): readonly SupervisedProcess[] {
    return this.#processes;
  }

  async #startAll(specs: readonly ProcessSpec[], deadline: AbortSignal): Promise<void> {
    const started = specs.map((spec) => {
      const { ports } = spec;
      const beforeStart = () => this.#ports.release(ports.address, ports.numbers);
      const process = new SupervisedProcess({ ...spec, beforeStart }, this.#reaper, this.#options.report);
      this.#processes.push(process);
      return { process, ready: process.start() };
    });
    const aborted = once(deadline);
    const all = Promise.all(started.map(({ ready }) => ready)).then(() => "ready" as const);
    if ((await Promise.race([all, aborted])) === "ready") return;
    const late = started.map(({ process }) => process).filter((process) => !process.isReady);
    throw notReady(late, this.#options.startTimeoutMs);
  }

  async #untilServing(deadline: AbortSignal): Promise<void> {
    const serving = await Promise.all(
      this.instances.map((i) => isServing(i.workload.address, i.sidecar.telemetry, deadline)),
    );
    const late = this.instances.filter((_, i) => serving[i] !== true).map(({ id }) => id);
    if (late.length === 0) return;
    const processes = this.#processes.filter((p) => p.spec.role === "sidecar" && late.includes(p.spec.id));
    throw notReady(processes, this.#options.startTimeoutMs);
  }

  async #stopAll(role: Role, graceMs: number): Promise<void> {
    const processes = this.#processes.filter((p) => p.spec.role === role);
    await Promise.all(processes.map((p) => p.stop(graceMs)));
  }
}

/** `sidecar default/web`, `control-plane`, `default/web`. */
export function processTitle({ role, id }: Pick<ProcessSpec, "role" | "id">): string {
  return role === "sidecar" ? `sidecar ${id}` : id;
}

function notReady(processes: readonly SupervisedProcess[], afterMs: number): StartError {
  const titles = processes.map(({ spec }) => processTitle(spec)).join(", ");
  const details = processes.flatMap(({ spec, lastLines }) =>
    lastLines.length === 0
      ? [`${processTitle(spec)} printed nothing`]
      : lastLines.map((line) => `${processTitle(spec)}: ${line}`),
  );
  return new StartError(`not ready after ${afterMs / 1_000} s: ${titles}`, details);
}

function once(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    else signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}
