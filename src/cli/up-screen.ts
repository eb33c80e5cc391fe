/**
 * The display on a terminal: a header and a table at the bottom of the scrollback, redrawn in place; what children say
 * scrolls by above. No alternate screen, so that the last state stays readable after the end.
 */
import type { ProcessEvent } from "../local/supervised-process.ts";
import type { Io } from "./io.ts";
import { type Paint, painter, width } from "./output.ts";
import { type Display, isWorthShowing, type Snapshot, type Started, type Summary } from "./up-display.ts";
import { eventLine, portLines, statsTable, summaryLines, trickleLine, welcome } from "./up-text.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_BELOW = "\u001b[J";

export class ScreenDisplay implements Display {
  readonly intervalMs = 1_000;
  readonly #io: Io;
  readonly #paint: Paint;
  readonly #isVerbose: boolean;
  #live: readonly string[] = [];
  #drawn = 0;

  constructor(io: Io, isVerbose: boolean) {
    this.#io = io;
    this.#paint = painter(io.stdout, io.env);
    this.#isVerbose = isVerbose;
    io.stdout.write(HIDE_CURSOR);
  }

  note(text: string): void {
    this.#above([this.#paint("dim", text)]);
  }

  event(event: ProcessEvent): void {
    if (event.kind === "log" && !isWorthShowing(event, this.#isVerbose)) return;
    const line = eventLine(event, this.#paint);
    if (line !== undefined) this.#above([line]);
  }

  started(mesh: Started): void {
    this.#above([...welcome(mesh, this.#paint), ...portLines(mesh, this.#paint), ""]);
  }

  snapshot({ rows, isControlPlaneUp, trickle }: Snapshot): void {
    const lines = statsTable(rows, this.#paint);
    if (!isControlPlaneUp)
      lines.push(this.#paint("yellow", "the control plane is down; traffic goes on, numbers will follow"));
    if (trickle !== undefined && trickle.failed > 0) lines.push(this.#paint("yellow", trickleLine(trickle)));
    lines.push(this.#paint("dim", "Ctrl-C ends it"));
    this.#live = lines;
    this.#redraw();
  }

  summary(summary: Summary): void {
    this.#live = [];
    this.#above(summaryLines(summary, this.#paint));
  }

  close(): void {
    this.#io.stdout.write(SHOW_CURSOR);
  }

  /** Writes lines where the table was, and the table below them. */
  #above(lines: readonly string[]): void {
    this.#io.stdout.write(`${this.#erase()}${lines.join("\n")}\n`);
    this.#drawn = 0;
    this.#redraw();
  }

  #redraw(): void {
    const { columns = 80, rows = 24 } = this.#io.stdout;
    const lines = this.#live.slice(0, Math.max(1, rows - 1)).map((line) => clip(line, columns));
    const text = lines.length === 0 ? "" : `${lines.join("\n")}\n`;
    this.#io.stdout.write(this.#erase() + text);
    this.#drawn = lines.length;
  }

  #erase(): string {
    return this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A\r${CLEAR_BELOW}`;
  }
}

/** A line that would wrap would break the redrawing: it loses its colours and its end. */
function clip(line: string, columns: number): string {
  if (width(line) <= columns) return line;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
  return line.replaceAll(/\u001b\[[0-9;]*m/g, "").slice(0, columns);
}
