/**
 * Where two JSON values differ. Elements are compared place by place and told of under `*`, so that a list of a thousand that all
 * lack a member is one difference and not a thousand; the order of members does not matter.
 */
import { descend, type IgnoreState } from "./ignore-rules.ts";

export interface Difference {
  /** Of the mirror's value: another one, none, or one too many. */
  readonly kind: "changed" | "missing" | "extra";
  readonly real: unknown;
  readonly mirror: unknown;
}

/** By JSON pointer, with `*` for elements; the value's own is empty. */
export type Differences = Map<string, Difference>;

/** Below this depth values are compared as a whole. */
export const MAX_DEPTH = 64;
/** Places that are told of; the rest is not looked at. */
export const MAX_DIFFERENCES = 1_000;

/** All places, at most 1,000, where `mirror` differs from `real`; the first of a kind stands for its place. */
export function diffJson(real: unknown, mirror: unknown, ignored: IgnoreState): Differences {
  const found: Differences = new Map();
  walk(real, mirror, { ignored, path: "", depth: 0, found });
  return found;
}

interface Place {
  readonly ignored: IgnoreState;
  readonly path: string;
  readonly depth: number;
  readonly found: Differences;
}

function walk(real: unknown, mirror: unknown, at: Place): void {
  if (at.found.size >= MAX_DIFFERENCES) return;
  const isShallow = at.depth < MAX_DEPTH;
  if (isShallow && Array.isArray(real) && Array.isArray(mirror)) walkElements(real, mirror, at);
  else if (isShallow && isMap(real) && isMap(mirror)) walkMembers(real, mirror, at);
  else if (!isSame(real, mirror)) tell(at.path, "changed", real, mirror, at);
}

function walkElements(real: readonly unknown[], mirror: readonly unknown[], at: Place): void {
  const path = `${at.path}/*`;
  const length = Math.max(real.length, mirror.length);
  for (let i = 0; i < length; i++) {
    const ignored = descend(at.ignored, String(i));
    if (ignored === null) continue;
    if (i >= mirror.length) tell(path, "missing", real[i], undefined, at);
    else if (i >= real.length) tell(path, "extra", undefined, mirror[i], at);
    else walk(real[i], mirror[i], { ignored, path, depth: at.depth + 1, found: at.found });
  }
}

function walkMembers(real: JsonMap, mirror: JsonMap, at: Place): void {
  for (const key of Object.keys(real)) {
    const ignored = descend(at.ignored, key);
    if (ignored === null) continue;
    const path = `${at.path}/${escaped(key)}`;
    if (!Object.hasOwn(mirror, key)) tell(path, "missing", real[key], undefined, at);
    else walk(real[key], mirror[key], { ignored, path, depth: at.depth + 1, found: at.found });
  }
  for (const key of Object.keys(mirror)) {
    if (Object.hasOwn(real, key) || descend(at.ignored, key) === null) continue;
    tell(`${at.path}/${escaped(key)}`, "extra", undefined, mirror[key], at);
  }
}

function tell(
  path: string,
  kind: Difference["kind"],
  real: unknown,
  mirror: unknown,
  { found }: Place,
): void {
  if (found.size < MAX_DIFFERENCES && !found.has(path)) found.set(path, { kind, real, mirror });
}

/** Whether two values are the same, however deep they are: without recursion. */
function isSame(real: unknown, mirror: unknown): boolean {
  const rest: [unknown, unknown][] = [[real, mirror]];
  for (let pair = rest.pop(); pair !== undefined; pair = rest.pop()) {
    const [a, b] = pair;
    if (a === b || (typeof a !== typeof b && isSameNumber(a, b))) continue;
    if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) return false;
      for (const [i, value] of a.entries()) rest.push([value, b[i]]);
    } else if (isMap(a) && isMap(b)) {
      const keys = Object.keys(a);
      if (keys.length !== Object.keys(b).length) return false;
      for (const key of keys) {
        if (!Object.hasOwn(b, key)) return false;
        rest.push([a[key], b[key]]);
      }
    } else return false;
  }
  return true;
}

/** Of a number and a whole one that a double can't hold. */
function isSameNumber(a: unknown, b: unknown): boolean {
  return (typeof a === "bigint" || typeof b === "bigint") && Number(a) === Number(b);
}

type JsonMap = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 6901 §3. */
function escaped(key: string): string {
  return /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}
