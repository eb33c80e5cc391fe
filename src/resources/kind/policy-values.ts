/**
 * Values that policies compare with. As in Istio a text is exact, `prefix*`, `*suffix`, or `*` for anything that is there;
 * a `*` elsewhere is itself, and so are all other characters: nothing here is a regular expression.
 */
import { isIP } from "node:net";
import { mismatch } from "../problem.ts";
import { text } from "../scalars.ts";
import { list, refine, type Schema } from "../schema.ts";

const MAX_VALUES = 1_024;

/** A text with its forms of `*`; one in the middle is told, because it is seldom meant. */
export const matchText = wildcard(text("text", { pattern: /^[\x20-\x7e\x80-\uffff]+$/, max: 1_024 }));

/** `cluster.local/ns/default/sa/web`, with or without `spiffe://`. */
export const matchPrincipal = wildcard(
  text("a principal such as cluster.local/ns/default/sa/web, prefix*, *suffix or *", {
    pattern: /^(?:spiffe:\/\/)?[A-Za-z0-9._/*-]+$/,
    max: 2_048,
  }),
);

export const matchNamespace = wildcard(
  text("a namespace, prefix*, *suffix or *", { pattern: /^[a-z0-9*-]+$/, max: 63 }),
);

export const matchHost = wildcard(
  text("a host, with or without a port, prefix*, *suffix or *", {
    pattern: /^[A-Za-z0-9._:*[\]-]+$/,
    max: 260,
  }),
);

export const matchMethod = wildcard(
  text("a method, prefix*, *suffix or *", { pattern: /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, max: 32 }),
);

/** A path as in Istio; with `{*}` for one segment and `{**}` for any number of them, as the last of both. */
export const matchPath = refine(
  text("a path that begins with / or *, without ?, # or spaces", {
    pattern: /^[/*][^\s?#]*$/,
    max: 1_024,
  }),
  (path, say, warn) => {
    if (/[{}]/.test(path)) {
      const problem = templateProblem(path);
      if (problem !== undefined) say([], problem, "a path such as /a/{*}/b or /a/{**}");
    } else if (hasInnerStar(path)) {
      warn([], "a * that is neither first nor last is itself; {*} stands for a segment", "{*}");
    }
    if (/\/\/|\/\.\.?(?:\/|$)|%(?:2f|5c|00)/i.test(path)) {
      say([], "must have no //, /./, /../, %2F, %5C or %00: no path is that after normalization", "a path");
    }
  },
);

function templateProblem(path: string): string | undefined {
  const operators = path.split("/").filter((segment) => /[{}]/.test(segment));
  if (!path.startsWith("/")) return "a path with {*} must begin with /";
  if (operators.some((segment) => segment !== "{*}" && segment !== "{**}")) {
    return "{*} and {**} must be whole segments";
  }
  if (path.includes("*", path.lastIndexOf("}"))) return "a path with {*} or {**} can't end in *";
  return operators.slice(0, -1).includes("{**}") ? "{**} must be the last of {*} and {**}" : undefined;
}

/** A port's number; Istio writes it as text. */
export const matchPort: Schema<number> = {
  shape: { kind: "portReference", isNamed: false },
  check: (value, path, report) => {
    const number = typeof value === "string" && /^[0-9]{1,5}$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && Number.isInteger(number) && number > 0 && number < 65_536)
      return number;
    report(mismatch(path, "a port number from 1 to 65535", value));
    return undefined;
  },
};

/** An address, or a range of them such as `10.0.0.0/8`. */
export const ipBlock: Schema<string> = {
  shape: { kind: "string", expected: "an IP address or a range such as 10.0.0.0/8", maxLength: 49 },
  check: (value, path, report) => {
    if (typeof value === "string" && isBlock(value)) return value;
    report(mismatch(path, "an IP address or a range such as 10.0.0.0/8", value));
    return undefined;
  },
};

function isBlock(text: string): boolean {
  const [address = "", length, ...more] = text.split("/");
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (length === undefined) return true;
  return /^[0-9]{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
}

/** At least one value. */
export function some<T>(item: Schema<T>): Schema<readonly T[]> {
  return list(item, { min: 1, max: MAX_VALUES });
}

function wildcard(schema: Schema<string>): Schema<string> {
  return refine(schema, (value, _say, warn) => {
    if (hasInnerStar(value)) warn([], "a * that is neither first nor last is itself", "prefix* or *suffix");
  });
}

function hasInnerStar(value: string): boolean {
  const rest = value.startsWith("*") ? value.slice(1) : value.endsWith("*") ? value.slice(0, -1) : value;
  return rest.includes("*");
}
