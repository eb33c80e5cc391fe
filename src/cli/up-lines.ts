/**
 * The display without a terminal: lines, with the time in front of the regular ones.
 */
import type { ProcessEvent } from "../local/supervised-process.ts";
import type { Io } from "./io.ts";
import { type Paint, painter } from "./output.ts";
import { type Display, isWorthShowing, type Snapshot, type Started, type Summary } from "./up-display.ts";
import { eventLine, portLines, statsLine, summaryLines, trickleLine, welcome } from "./up-text.ts";

export class LineDisplay implements Display {
  readonly intervalMs = 3_000;
  readonly #io: Io;
  readonly #paint: Paint;
  readonly #isVerbose: boolean;

  constructor(io: Io, isVerbose: boolean) {
    this.#io = io;
    this.#paint = painter(io.stdout, io.env);
    this.#isVerbose = isVerbose;
  }

  note(text: string): void {
    this.#write([text]);
  }

  event(event: ProcessEvent): void {
    if (event.kind === "log" && !isWorthShowing(event, this.#isVerbose)) return;
    const line = eventLine(event, this.#paint);
    if (line !== undefined) this.#write([line]);
  }

  started(mesh: Started): void {
    this.#write([...welcome(mesh, this.#paint), ...portLines(mesh, this.#paint)]);
  }

  snapshot({ elapsedMs, rows, isControlPlaneUp, trickle }: Snapshot): void {
    const seconds = `${Math.round(elapsedMs / 1_000)} s`.padStart(6);
    const numbers = isControlPlaneUp ? statsLine(rows) : "the control plane is down; traffic goes on";
    const failures = trickle !== undefined && trickle.failed > 0 ? [`        ${trickleLine(trickle)}`] : [];
    this.#write([`${seconds}  ${numbers}`, ...failures]);
  }

  summary(summary: Summary): void {
    this.#write(summaryLines(summary, this.#paint));
  }

  close(): void {}

  #write(lines: readonly string[]): void {
    this.#io.stdout.write(`${lines.join("\n")}\n`);
  }
}
