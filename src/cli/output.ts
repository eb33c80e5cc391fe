/**
 * Text for people: colours that respect NO_COLOR and pipes, and tables that line up. Machines get `--json`.
 */
import { stripVTControlCharacters, styleText } from "node:util";
import type { Io, Sink } from "./io.ts";

export type Format = "red" | "green" | "yellow" | "cyan" | "dim" | "bold";
export type Paint = (format: Format, text: string) => string;

/** Colours for a sink: none unless it is a terminal, none under NO_COLOR or TERM=dumb, always under FORCE_COLOR. */
export function painter(sink: Sink, env: Io["env"]): Paint {
  const forced = isSet(env["FORCE_COLOR"]) && env["FORCE_COLOR"] !== "0";
  const off = isSet(env["NO_COLOR"]) || env["TERM"] === "dumb";
  const on = !off && (forced || sink.isTTY === true);
  return on ? (format, text) => styleText(format, text, { validateStream: false }) : (_format, text) => text;
}

/** A column's heading; numbers stand at the right. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Lines of a table, columns two spaces apart, without trailing spaces. Cells may carry colour. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string[] {
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...rows.map((row) => width(row[i] ?? ""))),
  );
  const line = (cells: readonly string[], heading: boolean) =>
    columns
      .map((column, i) => {
        const cell = cells[i] ?? "";
        const gap = " ".repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
        const padded = column.align === "right" ? gap + cell : cell + gap;
        return heading ? paint("dim", padded) : padded;
      })
      .join("  ")
      .trimEnd();
  return [
    line(
      columns.map((c) => c.title),
      true,
    ),
    ...rows.map((row) => line(row, false)),
  ];
}

/** The same as one text, ending in a newline. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  return `${tableLines(columns, rows, paint).join("\n")}\n`;
}

/** One JSON document, indented, ending in a newline. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** `1 sidecar`, `5 sidecars`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** Columns that a text takes on a terminal. */
export function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
