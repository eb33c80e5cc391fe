/** What one mirrored request shows: the first thing that differs, and where. Pure; it runs on the control thread. */
import { decoded } from "./decode.ts";
import { ignoreRules } from "./ignore-rules.ts";
import { type Difference, diffJson } from "./json-diff.ts";
import type { MirrorSample, ResponseSample } from "./sample.ts";

export const RESULTS = ["same", "status", "headers", "body", "too_large", "failed", "incomplete"] as const;
/** The first of status, headers and body that differs; or why that can't be told. */
export type Result = (typeof RESULTS)[number];

export interface Finding {
  readonly kind: Difference["kind"] | "not_json";
  /** Short texts; null: there is no such value. */
  readonly real: string | null;
  readonly mirror: string | null;
}

export interface Comparison {
  readonly result: Result;
  /** By name. */
  readonly headers: ReadonlyMap<string, Finding>;
  /** By JSON pointer; of a body that is not compared as JSON the pointer is empty. */
  readonly paths: ReadonlyMap<string, Finding>;
  readonly isTooLarge: boolean;
}

type Both = Extract<MirrorSample, { kind: "both" }>;
type Findings = ReadonlyMap<string, Finding>;

/** Characters of an example. */
export const MAX_EXAMPLE = 200;
const NOTHING: Findings = new Map();

export function compare(sample: MirrorSample): Comparison {
  const nothing = { headers: NOTHING, paths: NOTHING, isTooLarge: false };
  if (sample.kind !== "both") return { result: sample.kind, ...nothing };
  const { real, mirror } = sample;
  // The head and body of an error have nothing in common with those of a success: the status says it all.
  if (real.status !== mirror.status || real.isOwn)
    return { result: real.status === mirror.status ? "same" : "status", ...nothing };
  const headers = headersOf(sample);
  const paths = sample.settings.body === undefined ? NOTHING : bodiesOf(sample);
  if (paths === "too_large") {
    return { result: headers.size > 0 ? "headers" : "too_large", headers, paths: NOTHING, isTooLarge: true };
  }
  const result = headers.size > 0 ? "headers" : paths.size > 0 ? "body" : "same";
  return { result, headers, paths, isTooLarge: false };
}

function headersOf({ settings, real, mirror }: Both): Findings {
  const found = new Map<string, Finding>();
  for (const [i, name] of (settings.headers ?? []).entries()) {
    const [a = null, b = null] = [real.headers[i], mirror.headers[i]];
    if (a === b) continue;
    const kind = b === null ? "missing" : a === null ? "extra" : "changed";
    found.set(name, { kind, real: a === null ? null : short(a), mirror: b === null ? null : short(b) });
  }
  return found;
}

function bodiesOf({ settings, real, mirror }: Both): Findings | "too_large" {
  const a = decoded(real, settings);
  const b = decoded(mirror, settings);
  if (a === "too_large" || b === "too_large") return "too_large";
  // What can't be decoded is compared as it came.
  if (a === null || b === null) return asBytes(bytesOf(real), bytesOf(mirror));
  if (settings.body === "bytes" || Buffer.compare(a, b) === 0) return asBytes(a, b);
  return asJson(a, b, settings.ignore ?? []);
}

function bytesOf({ body }: ResponseSample): Uint8Array {
  return body ?? new Uint8Array();
}

function asBytes(real: Uint8Array, mirror: Uint8Array): Findings {
  if (Buffer.compare(real, mirror) === 0) return NOTHING;
  return new Map([["", { kind: "changed", real: `${real.length} bytes`, mirror: `${mirror.length} bytes` }]]);
}

function asJson(real: Uint8Array, mirror: Uint8Array, ignore: readonly string[]): Findings {
  const a = parsed(real);
  const b = parsed(mirror);
  // Bytes of which neither are JSON are known to differ.
  if (a === NOT_JSON || b === NOT_JSON) {
    const word = (value: unknown) => (value === NOT_JSON ? "not JSON" : "JSON");
    return new Map([["", { kind: "not_json", real: word(a), mirror: word(b) }]]);
  }
  const found = new Map<string, Finding>();
  for (const [path, { kind, real, mirror }] of diffJson(a, b, ignoreRules(ignore))) {
    found.set(short(path), {
      kind,
      real: kind === "extra" ? null : example(real),
      mirror: kind === "missing" ? null : example(mirror),
    });
  }
  return found;
}

const NOT_JSON = Symbol();

/** Longer whole numbers may be more than a double holds. */
const LONG_NUMBER = /\d{16}/;

function parsed(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // A reviver costs ten times the parsing, and the stack for values that are very deep.
    return (LONG_NUMBER.test(text) ? parsedExactly(text) : undefined) ?? JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

function parsedExactly(text: string): unknown {
  try {
    return JSON.parse(text, exactly as (key: string, value: unknown) => unknown);
  } catch {
    return undefined;
  }
}

/** A whole number that a double can't hold keeps all its digits: two ids must not become one. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d{1,1000}$/.test(source) ? BigInt(source) : value;
}

/** A value as a short text; of one that holds others only what it is. */
function example(value: unknown): string {
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (typeof value === "object" && value !== null) return `map of ${Object.keys(value).length}`;
  return short(typeof value === "string" ? JSON.stringify(value.slice(0, MAX_EXAMPLE)) : String(value));
}

function short(text: string): string {
  return text.length > MAX_EXAMPLE ? `${text.slice(0, MAX_EXAMPLE - 1)}…` : text;
}
