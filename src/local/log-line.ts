/**
 * What a child process prints, one line at a time: which lines are worth a person's attention, and how they read. Our
 * own programs log JSON (pino); applications print what they like.
 */

export type Severity = "debug" | "info" | "warn" | "error";

export interface LogLine {
  readonly severity: Severity;
  readonly text: string;
}

const PINO_WARN = 40;
const PINO_ERROR = 50;
const PINO_INFO = 30;

/** Splits a stream of chunks into lines; a last line without its newline comes with `end`. */
export class LineSplitter {
  #rest = "";
  readonly #take: (line: string) => void;
  /** A line longer than this is cut: a child must not fill our memory. */
  readonly #maxLength: number;

  constructor(take: (line: string) => void, maxLength = 65_536) {
    this.#take = take;
    this.#maxLength = maxLength;
  }

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, this.#maxLength);
    for (const line of lines) if (line !== "") this.#take(line.slice(0, this.#maxLength));
  }

  end(): void {
    if (this.#rest !== "") this.#take(this.#rest);
    this.#rest = "";
  }
}

/** The object that a line is, if it is one. */
export function parseJsonLine(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a line of `stream`. What is not JSON counts as a warning on stderr and as information on stdout. */
export function readLogLine(line: string, stream: "stdout" | "stderr"): LogLine {
  const entry = parseJsonLine(line);
  if (entry === undefined) return { severity: stream === "stderr" ? "warn" : "info", text: line };
  const { level, time: _time, pid: _pid, hostname: _hostname, name: _name, msg, ...rest } = entry;
  const text = typeof msg === "string" ? msg : "";
  const details = Object.entries(rest).map(([key, value]) => `${key}=${detail(value)}`);
  return { severity: severityOf(level), text: [text, ...details].filter((part) => part !== "").join(" ") };
}

function severityOf(level: unknown): Severity {
  if (typeof level === "number") {
    if (level >= PINO_ERROR) return "error";
    if (level >= PINO_WARN) return "warn";
    return level >= PINO_INFO ? "info" : "debug";
  }
  if (level === "error" || level === "fatal") return "error";
  if (level === "warn" || level === "warning") return "warn";
  return level === "debug" || level === "trace" ? "debug" : "info";
}

function detail(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) return String(value.message);
  return typeof value === "string" ? value : JSON.stringify(value);
}
