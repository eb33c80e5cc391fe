/**
 * Schemas of single values: numbers, durations, and the forms of names that Kubernetes and HTTP know.
 */
import { isIP } from "node:net";
import { parseDuration } from "./duration.ts";
import { mismatch } from "./problem.ts";
import type { Schema } from "./schema.ts";

/** Text that `pattern` describes as a whole; `expected` says the same in words. */
export function text(
  expected: string,
  { pattern, max = 1024 }: { readonly pattern?: RegExp; readonly max?: number } = {},
): Schema<string> {
  return {
    shape: {
      kind: "string",
      expected,
      maxLength: max,
      ...(pattern === undefined ? {} : { pattern: pattern.source }),
    },
    check: (value, path, report) => {
      if (typeof value === "string" && value.length <= max && (pattern?.test(value) ?? true)) return value;
      const isLong = typeof value === "string" && value.length > max;
      const problem = mismatch(path, isLong ? `at most ${max} characters` : expected, value);
      const needsQuotes = typeof value === "number" || typeof value === "boolean";
      // YAML reads 1.10 as a number and true as no text, and people mean text.
      report(
        needsQuotes ? { ...problem, message: `${problem.message}, which needs quotes to be text` } : problem,
      );
      return undefined;
    },
  };
}

/** A whole number from `min` to `max`. With `nullIs`, a key without a value means that number. */
export function integer(
  min: number,
  max: number,
  { nullIs, unit }: { readonly nullIs?: number; readonly unit?: string } = {},
): Schema<number> {
  return {
    shape: {
      kind: "integer",
      min,
      max,
      nullable: nullIs !== undefined,
      ...(unit === undefined ? {} : { unit }),
    },
    check: (value, path, report) => {
      if (value === null && nullIs !== undefined) return nullIs;
      if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
      report(mismatch(path, `a whole number from ${min} to ${max}`, value));
      return undefined;
    },
  };
}

export const boolean: Schema<boolean> = {
  shape: { kind: "boolean" },
  check: (value, path, report) => {
    if (typeof value === "boolean") return value;
    report(mismatch(path, "true or false", value));
    return undefined;
  },
};

/** Longest duration: a timer of the runtime holds 2³¹ ms, a little less than 25 days. */
const LONGEST = "576h";

/** Written as `10s`, read as milliseconds; `0s` means none. */
export const duration = durationFrom("0s");

/** Written as `10s`, read as milliseconds; never nothing. */
export const positiveDuration = durationFrom("1ms");

function durationFrom(min: string): Schema<number> {
  const [least = 0, most = 0] = [parseDuration(min), parseDuration(LONGEST)];
  return {
    shape: { kind: "duration", min, max: LONGEST },
    check: (value, path, report) => {
      const ms = typeof value === "string" ? parseDuration(value) : undefined;
      if (ms !== undefined && ms >= least && ms <= most) return ms;
      const expected =
        ms === undefined ? "a duration such as 500ms, 10s or 1h30m" : `from ${min} to ${LONGEST}`;
      report(mismatch(path, expected, value));
      return undefined;
    },
  };
}

/** A port number, or the name of a port. */
export const portReference: Schema<number | string> = {
  shape: { kind: "portReference", isNamed: true },
  check: (value, path, report) => {
    const isNumber = typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
    if (isNumber || (typeof value === "string" && DNS_LABEL.test(value))) return value;
    report(mismatch(path, "a port number from 1 to 65535 or the name of a port", value));
    return undefined;
  },
};

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const port = integer(1, 65_535);

/** RFC 1123 label: what a namespace and a Service may be called. */
export const dnsLabel = text("lower case letters, digits and hyphens (at most 63)", {
  pattern: DNS_LABEL,
  max: 63,
});

/** RFC 1123 subdomain: what other resources may be called. */
export const dnsName = text("lower case letters, digits, hyphens and dots", {
  pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
  max: 253,
});

/** A host name, with or without a first label that is `*`. */
export const hostname = text("a host name, which may begin with *.", {
  pattern: /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
  max: 253,
});

/** A host name as it may be sent. */
export const preciseHostname = text("a host name", {
  pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
  max: 253,
});

/** A host name as DNS has it: whole ones may end with a dot. */
export const dnsTarget = text("a host name", {
  pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.?$/,
  max: 254,
});

/** API group and kind of something that Kubernetes knows. */
export const apiGroup = text("an API group, such as apps, or nothing for Kubernetes' own", {
  pattern: /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)?$/,
  max: 253,
});
export const kindName = text("a kind, such as Service", { pattern: /^[A-Za-z][A-Za-z0-9-]*$/, max: 63 });

export const labelKey = text("a label's name, such as app or example.com/tier", {
  pattern: /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
  max: 317,
});

export const labelValue = text("letters, digits, dots, hyphens and underscores (at most 63)", {
  pattern: /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
  max: 63,
});

/** RFC 9110 §5.6.2 token. */
export const headerName = text("a header's name", { pattern: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, max: 256 });

/** RFC 9110 §5.5: nothing that could end the line. */
export const headerValue = text("a header's value (visible characters, spaces and tabs)", {
  pattern: /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/,
  max: 4096,
});

/** An absolute path without query and fragment. */
export const absolutePath = text("a path that begins with / and has no ?, # or spaces", {
  pattern: /^\/[\x21\x22\x24-\x3e\x40-\x7e]*$/,
  max: 1024,
});

export const environmentName = text("a variable's name", { pattern: /^[A-Za-z_][A-Za-z0-9_]*$/, max: 256 });

/** Any text without NUL. */
export const anyText = text("text", { pattern: /^[^\0]*$/, max: 32_768 });

/** An address, not a name. */
export const ipAddress = addressOr("an IP address", []);

/** A Service's own address; nothing where Kubernetes is to choose one. */
export const clusterAddress = addressOr('an IP address, "None" or nothing', ["None", ""]);

function addressOr(expected: string, words: readonly string[]): Schema<string> {
  return {
    shape: { kind: "string", expected, maxLength: 45 },
    check: (value, path, report) => {
      if (typeof value === "string") {
        const isAddress = value.length <= 45 && !value.includes("%") && isIP(value) !== 0;
        if (isAddress || words.includes(value)) return value;
      }
      report(mismatch(path, expected, value));
      return undefined;
    },
  };
}
