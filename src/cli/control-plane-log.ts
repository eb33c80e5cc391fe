/**
 * The control plane's log on stderr: one JSON line each for machines, readable lines for people. pino makes the
 * lines and escapes what strangers wrote; its worker-thread transports are left alone, since nothing here is hot.
 */
import { pino } from "pino";
import type { Log } from "../control-plane/log.ts";
import type { Io } from "./io.ts";
import { type Format, type Paint, painter } from "./output.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ["json", "text"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const COLOURS: Readonly<Record<string, Format>> = { debug: "dim", warn: "yellow", error: "red" };

/** A log of what is `level` or worse, on stderr. */
export function controlPlaneLog(level: LogLevel, format: LogFormat, io: Io): Log {
  const paint = painter(io.stderr, io.env);
  const write = format === "json" ? (line: string) => line : (line: string) => readable(line, paint);
  const formatters = { level: (label: string) => ({ level: label }) };
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters };
  return pino(options, { write: (line: string) => void io.stderr.write(write(line)) });
}

/** `12:34:56.789 warn sidecar refused a resource sidecar=default/web …`. */
function readable(line: string, paint: Paint): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const colour = COLOURS[String(level)];
  const title = String(level).padEnd(5);
  const parts = Object.entries(fields).map(([name, value]) => `${paint("dim", `${name}=`)}${shown(value)}`);
  const clock = paint("dim", String(time).slice(11, 23));
  return `${[clock, colour === undefined ? title : paint(colour, title), String(msg), ...parts].join(" ")}\n`;
}

/** Quoted unless it is one plain word: a value can't look like another field, nor move the cursor. */
function shown(value: unknown): string {
  if (typeof value === "string" && /^[\x21-\x7e]+$/.test(value) && !/["=]/.test(value)) return value;
  return JSON.stringify(value);
}
