/**
 * What a schema says about a value that is wrong: where, what was found, what would be right. A problem knows only the
 * value; the loader adds the file, line and column and makes it an `Issue`.
 */

/** Keys and indexes from the document's root. */
export type Path = readonly (string | number)[];

export interface Problem {
  readonly path: Path;
  /** Absent: an error. A warning refuses nothing. */
  readonly severity?: "warning";
  /** Whether the key itself is wrong (an unknown field), or what stands there. */
  readonly at: "key" | "value";
  readonly message: string;
  readonly found: string;
  readonly expected: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

export type Report = (problem: Problem) => void;

const LONGEST_SHOWN = 60;

/** `must be <expected>, found <value>`. */
export function mismatch(path: Path, expected: string, value: unknown): Problem {
  const found = show(value);
  return { path, at: "value", message: `must be ${expected}, found ${found}`, found, expected };
}

/** A value as it stands in a message: short, on one line. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value);
}

/** `spec.rules[0].name`; keys that are no identifiers are quoted. */
export function fieldName(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[\w-]+$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${show(part)}]`;
  }
  return text;
}

/** `a, b or c`. */
export function oneOf(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} or ${last}`;
}
