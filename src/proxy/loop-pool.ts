/**
 * The traffic loops of a sidecar as one: worker threads that share their listening ports (SO_REUSEPORT), each with
 * its own snapshot. A loop that fails takes the process with it: half a sidecar that looks alive is worse than one
 * that its supervisor restarts.
 */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { DemandReport, Lease } from "../discovery/rate-limit.ts";
import type { Ejection } from "./clusters/ejection.ts";
import type { MirrorSample } from "./mirrors/sample.ts";
import type { PolicyDecision } from "./policy/decision.ts";
import type { Change, DescribedRow, FromLoop, LoopStart, ToLoop } from "./snapshot/loop-protocol.ts";
import { SeriesTable } from "./snapshot/series.ts";
import { Transfer } from "./snapshot/transfer.ts";

/** The loop's entry beside this file, in the sources and in a build of them. */
const LOOP_ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./loop.ts" : "./loop.js", import.meta.url);
/** Longest wait for a loop to open its listeners. */
const START_TIMEOUT_MS = 20_000;
/** Longest wait for a loop to describe itself. */
const DESCRIBE_TIMEOUT_MS = 2_000;

export interface LoopPoolOptions {
  readonly loops: number;
  readonly host: string;
  readonly inboundHost: string;
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly ownPorts: readonly number[];
  readonly outboundScope: "lazy" | "all";
  readonly isTransparent: boolean;
  /** Young generation of a loop's heap, in MB. */
  readonly youngGenerationMb: number;
  readonly onSubscribe: (loop: number, routes: readonly string[]) => void;
  readonly onUnsubscribe: (loop: number, routes: readonly string[]) => void;
  /** Policy has refused or audited a request; `left` that came before are not told. */
  readonly onDecision: (decision: PolicyDecision, left: number) => void;
  readonly onEjection: (ejection: Ejection) => void;
  /** What a loop needs of limits that it keeps together with others. */
  readonly onDemand: (report: DemandReport) => void;
  /** Both responses to a mirrored request; `taken` is called once they have been compared. */
  readonly onMirrored: (sample: MirrorSample, taken: () => void) => void;
  /** A loop has crashed or ended on its own; called at most once. */
  readonly onFailure: (message: string) => void;
}

export interface LoopPorts {
  readonly outboundPort: number;
  readonly inboundPort: number;
}

interface Starting {
  listening(ports: LoopPorts): void;
  failed(message: string): void;
}

export class LoopPool {
  readonly series = new SeriesTable();
  readonly #options: LoopPoolOptions;
  readonly #workers: Worker[] = [];
  readonly #transfer: Transfer;
  readonly #described = new Map<number, (rows: readonly DescribedRow[]) => void>();
  readonly #drained: ((cut: number) => void)[] = [];
  #nextDescribe = 1;
  #isClosing = false;

  private constructor(options: LoopPoolOptions) {
    this.#options = options;
    const indexes = Array.from({ length: options.loops }, (_, index) => index);
    this.#transfer = new Transfer(
      indexes.map((index) => ({ post: (message) => this.#post(index, message) })),
    );
  }

  /** Starts the loops. Rejects when a port can't be had, or a loop fails before it listens. */
  static async start(
    options: LoopPoolOptions,
  ): Promise<{ readonly pool: LoopPool; readonly ports: LoopPorts }> {
    const pool = new LoopPool(options);
    // A lean process limits its own young generation by this flag, which V8 would prefer to a worker's own limit.
    setFlagsFromString("--max-semi-space-size=0");
    try {
      // The first loop finds the ports where they are left to the system; the others join it on them.
      const ports = await pool.#startLoop(0, options);
      for (let index = 1; index < options.loops; index++) await pool.#startLoop(index, ports);
      return { pool, ports };
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Resolves when every loop has applied the changes. */
  send(changes: readonly Change[]): Promise<void> {
    return this.#transfer.send(changes);
  }

  lend(loop: number, leases: readonly Lease[]): void {
    this.#post(loop, { kind: "leases", leases });
  }

  /** All loops say anew what they need. */
  rejoin(): void {
    for (const index of this.#workers.keys()) this.#post(index, { kind: "rejoin" });
  }

  /** Rows of all loops, each with `loop`, its index. A loop that does not answer in 2 s is left out. */
  async describe(what: "clusters" | "connections"): Promise<readonly DescribedRow[]> {
    const answers = this.#workers.map((_, loop) => this.#describe(loop, what));
    return (await Promise.all(answers)).flat();
  }

  /** Resolves when all loops are drained, with the number of connections cut off because the time was up. */
  async drain(graceMs: number, timeoutMs: number): Promise<number> {
    const cuts = this.#workers.map((_, loop) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      this.#drained[loop] = resolve;
      this.#post(loop, { kind: "drain", graceMs, timeoutMs });
      return promise;
    });
    return (await Promise.all(cuts)).reduce((sum, cut) => sum + cut, 0);
  }

  /** Ends the loops at once. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #startLoop(index: number, { outboundPort, inboundPort }: LoopPorts): Promise<LoopPorts> {
    const { loops, host, inboundHost, ownPorts, outboundScope, isTransparent, youngGenerationMb } =
      this.#options;
    const reusePort = loops > 1;
    const workerData: LoopStart = {
      index,
      loops,
      outbound: { host, port: outboundPort, reusePort },
      inbound: { host: inboundHost, port: inboundPort, reusePort },
      ownPorts,
      outboundScope,
      isTransparent,
    };
    const { promise, resolve, reject } = Promise.withResolvers<LoopPorts>();
    const timer = setTimeout(
      () => reject(new Error(`traffic loop ${index} did not start in ${START_TIMEOUT_MS} ms`)),
      START_TIMEOUT_MS,
    );
    const worker = new Worker(LOOP_ENTRY, {
      workerData,
      name: `loop-${index}`,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
      // node:ffi, which only these loops load, would tell whoever runs the sidecar that it is experimental.
      ...(isTransparent && { execArgv: ["--disable-warning=ExperimentalWarning"] }),
    });
    this.#workers[index] = worker;
    let isListening = false;
    const fail = (message: string): void => {
      if (isListening) this.#fail(message);
      else reject(new Error(message));
    };
    const starting = {
      listening: (ports: LoopPorts): void => {
        isListening = true;
        resolve(ports);
      },
      failed: fail,
    };
    worker.on("message", (message: FromLoop) => this.#take(index, message, starting));
    worker.on("error", (error) => fail(`traffic loop ${index} crashed: ${describeError(error)}`));
    worker.on("exit", (code) => fail(`traffic loop ${index} ended (exit code ${code})`));
    return promise.finally(() => clearTimeout(timer));
  }

  #take(loop: number, message: FromLoop, starting: Starting): void {
    switch (message.kind) {
      case "listening":
        starting.listening(message);
        break;
      case "failed":
        starting.failed(message.message);
        break;
      case "update-applied":
        this.#transfer.confirmed(loop, message.id);
        break;
      case "subscribe":
        this.#options.onSubscribe(loop, message.routes);
        break;
      case "unsubscribe":
        this.#options.onUnsubscribe(loop, message.routes);
        break;
      case "page":
        this.series.addPage(loop, message.buffer);
        break;
      case "series":
        this.series.addSeries(loop, message.series);
        break;
      case "decision":
        this.#options.onDecision(message.decision, message.left);
        break;
      case "ejection":
        this.#options.onEjection(message.ejection);
        break;
      case "demand":
        this.#options.onDemand(message.report);
        break;
      case "mirrored": {
        const { sample, bytes } = message;
        this.#options.onMirrored(sample, () => this.#post(loop, { kind: "mirrored-taken", bytes }));
        break;
      }
      case "described":
        this.#described.get(message.id)?.(message.rows);
        break;
      case "drained":
        this.#drained[loop]?.(message.cut);
        break;
    }
  }

  #describe(loop: number, what: "clusters" | "connections"): Promise<readonly DescribedRow[]> {
    const id = this.#nextDescribe++;
    const { promise, resolve } = Promise.withResolvers<readonly DescribedRow[]>();
    const timer = setTimeout(() => resolve([]), DESCRIBE_TIMEOUT_MS);
    this.#described.set(id, (rows) => resolve(rows.map((row) => ({ loop, ...row }))));
    this.#post(loop, { kind: "describe", id, what });
    return promise.finally(() => {
      clearTimeout(timer);
      this.#described.delete(id);
    });
  }

  #post(loop: number, message: ToLoop): void {
    this.#workers[loop]?.postMessage(message);
  }

  #fail(message: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#options.onFailure(message);
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
