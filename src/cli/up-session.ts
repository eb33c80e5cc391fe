/**
 * One run of `weft up`, from the first process to the last: start, trickle, numbers once a second, the end by time or by
 * signal, summary, exit code.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, apiClient } from "../local/api-client.ts";
import type { StatsAnswer } from "../local/api-types.ts";
import { type Mesh, StartError } from "../local/mesh.ts";
import type { Entry } from "../local/plan.ts";
import { removeRunFile, writeRunFile } from "../local/run-file.ts";
import type { StatsFolder, StatsRow } from "../local/stats.ts";
import { Trickle } from "../local/trickle.ts";
import { CliError, EXIT } from "./exit.ts";
import type { Display, Summary } from "./up-display.ts";

export interface SessionOptions {
  readonly directory: string;
  readonly isCopied: boolean;
  /** How this program is called from `cwd`. */
  readonly weft: string;
  readonly cwd: string;
  /** Absent: until a signal. */
  readonly durationMs?: number;
  /** Requests a second of the trickle; 0: none. */
  readonly rate: number;
}

const DEMO = "config/demo";
/** A change of the demo that is seen in the table. */
const SAMPLE = "config/samples/canary-50.yaml";

const WINDOW_MS = 5_000;
/** Sidecars report once a second: the last numbers of a run are this late. */
const REPORT_DELAY_MS = 1_300;
const TRICKLE_GRACE_MS = 2_000;
const STATS_TIMEOUT_MS = 2_000;

/** Runs a planned mesh until time is up or `interrupted` aborts. Resolves with the exit code. */
export async function runSession(
  mesh: Mesh,
  folder: StatsFolder,
  options: SessionOptions,
  display: Display,
  interrupted: AbortSignal,
): Promise<number> {
  const client = apiClient(mesh.api, STATS_TIMEOUT_MS);
  const startedAt = performance.now();
  try {
    await mesh.start(interrupted);
    writeRunFile(options.cwd, {
      ...{ pid: process.pid, api: mesh.api, discovery: mesh.discovery },
      directory: options.directory,
    });
    const rate = mesh.entry === undefined ? 0 : options.rate;
    const startMs = performance.now() - startedAt;
    display.started({ ...describe(mesh, options), startMs, rate });
    return await watch(new Run(mesh, folder, client, display, rate), options, interrupted);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    if (interrupted.aborted) return EXIT.failed;
    throw new CliError(error.message, { hints: error.details });
  } finally {
    client.close();
    await mesh.stop();
    removeRunFile(options.cwd, process.pid);
  }
}

async function watch(run: Run, options: SessionOptions, interrupted: AbortSignal): Promise<number> {
  const { durationMs } = options;
  const end =
    durationMs === undefined ? interrupted : AbortSignal.any([interrupted, AbortSignal.timeout(durationMs)]);
  await run.until(end);
  if (durationMs === undefined || interrupted.aborted) return EXIT.ok;
  const summary = await run.summary();
  run.display.summary(summary);
  return summary.silent.length === 0 ? EXIT.ok : EXIT.failed;
}

function describe(mesh: Mesh, { directory, isCopied, weft, cwd }: SessionOptions) {
  const isDemo = resolve(cwd, directory) === resolve(cwd, DEMO) && existsSync(resolve(cwd, SAMPLE));
  const sample = isDemo ? { sample: SAMPLE } : {};
  const common = { directory, isCopied, weft, ...sample, api: mesh.api, instances: mesh.instances };
  const { entry } = mesh;
  if (entry === undefined) return common;
  const { address, port, host, path } = target(entry);
  return { ...common, entry: { url: `http://${address}:${port}${path}`, host } };
}

function target({ service, path, instance }: Entry) {
  const host = service.namespace === "default" ? service.name : `${service.name}.${service.namespace}`;
  // Its inbound port takes mutual TLS alone; whoever stands beside the application comes in as the application's own calls do.
  return { address: instance.workload.address, port: instance.sidecar.outbound, host, path };
}

/** A mesh that runs: its trickle and its numbers. */
class Run {
  readonly display: Display;
  readonly #folder: StatsFolder;
  readonly #client: ApiClient;
  readonly #trickle: Trickle | undefined;
  readonly #startedAt = performance.now();
  /** Services that have been seen to answer. */
  readonly #heard = new Set<string>();
  #lastRows: readonly StatsRow[] = [];

  constructor(mesh: Mesh, folder: StatsFolder, client: ApiClient, display: Display, rate: number) {
    this.#folder = folder;
    this.#client = client;
    this.display = display;
    this.#trickle = mesh.entry === undefined || rate === 0 ? undefined : new Trickle(target(mesh.entry));
    this.#trickle?.start(rate);
  }

  /** Shows numbers until `end` aborts, then stops the trickle. */
  async until(end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      await sleep(this.display.intervalMs, undefined, { signal: end }).catch(() => {});
      if (end.aborted) break;
      const rows = await this.#rows(WINDOW_MS);
      this.#lastRows = rows ?? this.#lastRows;
      this.display.snapshot({
        elapsedMs: this.#elapsedMs,
        rows: this.#lastRows,
        isControlPlaneUp: rows !== undefined,
        ...this.#counts(),
      });
    }
    await this.#trickle?.stop(TRICKLE_GRACE_MS);
  }

  /** Numbers of the whole run. */
  async summary(): Promise<Summary> {
    const elapsedMs = this.#elapsedMs;
    await sleep(REPORT_DELAY_MS);
    const rows = (await this.#rows(elapsedMs + REPORT_DELAY_MS)) ?? this.#lastRows;
    const expected = this.#trickle === undefined ? [] : this.#folder.expectedServices;
    const silent = expected.filter((service) => !this.#heard.has(service));
    return { elapsedMs, rows, silent, ...this.#counts() };
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  #counts() {
    return this.#trickle === undefined ? {} : { trickle: this.#trickle.counts };
  }

  /** Undefined while the control plane does not answer. */
  async #rows(windowMs: number): Promise<readonly StatsRow[] | undefined> {
    try {
      const path = `/v1/stats?window=${Math.ceil(windowMs)}ms`;
      const { destinations } = await this.#client.call<StatsAnswer>("GET", path);
      const rows = this.#folder.fold(destinations);
      for (const row of rows) if (row.requests > row.failures) this.#heard.add(row.service);
      return rows;
    } catch {
      return undefined;
    }
  }
}
