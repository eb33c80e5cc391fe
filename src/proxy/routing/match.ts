/**
 * One match of an HTTPRoute rule, compiled: compares bytes in place, and makes a string only for a regular expression or a
 * query parameter.
 */
import type { RequestMatch, ValueMatch } from "../../discovery/route.ts";
import { pathEnd } from "../http/edit.ts";
import type { Head } from "../http/head.ts";

type PathTest = (head: Head, end: number) => boolean;

export class Matcher {
  readonly #path: PathTest | null;
  readonly #method: Buffer | null;
  readonly #headers: readonly ValueTest[];
  readonly #query: readonly ValueTest[];

  /** Throws a SyntaxError for a regular expression that does not compile. */
  constructor(match: RequestMatch) {
    this.#path = match.path === undefined ? null : pathTest(match.path.kind, match.path.value);
    this.#method = match.method === undefined ? null : Buffer.from(match.method, "latin1");
    this.#headers = (match.headers ?? []).map(valueTest);
    this.#query = (match.query ?? []).map(valueTest);
  }

  holds(head: Head): boolean {
    if (this.#path !== null && !this.#path(head, pathEnd(head.buf, head.pathStart, head.targetEnd)))
      return false;
    if (this.#method !== null && !hasMethod(head, this.#method)) return false;
    for (const test of this.#headers) if (!headerHolds(head, test)) return false;
    return this.#query.length === 0 || queryHolds(head, this.#query);
  }
}

function pathTest(kind: "exact" | "prefix" | "regex", value: string): PathTest | null {
  const bytes = Buffer.from(value, "latin1");
  switch (kind) {
    case "exact":
      return value === "/" ? isRoot : (head, end) => isSlice(head.buf, head.pathStart, end, bytes);
    case "prefix":
      return value === "/" ? null : prefixTest(value.endsWith("/") ? bytes.subarray(0, -1) : bytes);
    case "regex": {
      const expression = new RegExp(`^(?:${value})$`);
      return (head, end) => expression.test(head.buf.toString("latin1", head.pathStart, end) || "/");
    }
  }
}

/** An absolute-form target without a path means `/`. */
function isRoot(head: Head, end: number): boolean {
  return end === head.pathStart || (end === head.pathStart + 1 && head.buf[head.pathStart] === 47);
}

/** Whole segments: `/v2` holds for `/v2` and `/v2/x`, not for `/v2x`. */
function prefixTest(prefix: Buffer): PathTest {
  return (head, end) => {
    const after = head.pathStart + prefix.length;
    if (after > end || !isSlice(head.buf, head.pathStart, after, prefix)) return false;
    return after === end || head.buf[after] === 47;
  };
}

function isSlice(buf: Buffer, start: number, end: number, bytes: Buffer): boolean {
  if (end - start !== bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) if (buf[start + i] !== bytes[i]) return false;
  return true;
}

function hasMethod(head: Head, method: Buffer): boolean {
  return isSlice(head.buf, head.start, head.methodEnd, method);
}

interface ValueTest {
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly accepts: (value: string) => boolean;
}

function valueTest(match: ValueMatch): ValueTest {
  const nameBytes = Buffer.from(match.name, "latin1");
  if (match.kind === "exact")
    return { name: match.name, nameBytes, accepts: (value) => value === match.value };
  const expression = new RegExp(`^(?:${match.value})$`);
  return { name: match.name, nameBytes, accepts: (value) => expression.test(value) };
}

/** Any of several fields of the name may hold the value. */
function headerHolds(head: Head, test: ValueTest): boolean {
  for (
    let field = head.findName(test.nameBytes);
    field >= 0;
    field = head.findName(test.nameBytes, field + 1)
  ) {
    if (test.accepts(head.value(field))) return true;
  }
  return false;
}

/** Parameters are decoded before they are compared; the first of a name counts (Gateway API HTTPQueryParamMatch). */
function queryHolds(head: Head, tests: readonly ValueTest[]): boolean {
  const start = pathEnd(head.buf, head.pathStart, head.targetEnd);
  if (start >= head.targetEnd) return false;
  const parameters = new URLSearchParams(head.buf.toString("latin1", start + 1, head.targetEnd));
  return tests.every((test) => {
    const value = parameters.get(test.name);
    return value !== null && test.accepts(value);
  });
}
