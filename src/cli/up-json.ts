/**
 * The display for programs: one JSON object a line, told apart by `event`: note, ready, log, ended, started, stats,
 * summary.
 */
import type { ProcessEvent } from "../local/supervised-process.ts";
import type { Io } from "./io.ts";
import { type Display, isWorthShowing, type Snapshot, type Started, type Summary } from "./up-display.ts";

export class JsonDisplay implements Display {
  readonly intervalMs = 1_000;
  readonly #io: Io;
  readonly #isVerbose: boolean;

  constructor(io: Io, isVerbose: boolean) {
    this.#io = io;
    this.#isVerbose = isVerbose;
  }

  note(text: string): void {
    this.#write({ event: "note", text });
  }

  event(event: ProcessEvent): void {
    if (event.kind === "log" && !isWorthShowing(event, this.#isVerbose)) return;
    const { kind, spec, ...rest } = event;
    this.#write({ event: kind, role: spec.role, id: spec.id, ...rest });
  }

  started({ instances, ...mesh }: Started): void {
    const brief = instances.map(({ id, ports, sidecar }) => ({ id, ports, sidecar }));
    this.#write({ event: "started", ...mesh, instances: brief });
  }

  snapshot(snapshot: Snapshot): void {
    this.#write({ event: "stats", ...snapshot });
  }

  summary(summary: Summary): void {
    this.#write({ event: "summary", ...summary });
  }

  close(): void {}

  #write(value: unknown): void {
    this.#io.stdout.write(`${JSON.stringify(value)}\n`);
  }
}
