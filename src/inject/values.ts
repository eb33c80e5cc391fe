/** Values as annotations hold them: each parser gives undefined for a text that it does not understand. */
import { isIP } from "node:net";
import { MAX_SECONDS } from "./settings.ts";

export interface ValueKind<T> {
  /** Completes "must be …". */
  readonly expected: string;
  readonly parse: (text: string) => T | undefined;
}

const QUANTITY = /^\d+(?:\.\d+)?(?:m|k|M|G|T|Ki|Mi|Gi|Ti)?$/;
const DURATION = /^(?:\d+(?:ms|s|m|h))+$/;
const DURATION_PART = /(\d+)(ms|s|m|h)/g;
const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600 };
const IMAGE = /^[\w][\w.:/@-]{0,510}$/;
const MAX_PORTS = 64;

export const TRUTH: ValueKind<boolean> = {
  expected: '"true" or "false"',
  parse: (text) => (text === "true" ? true : text === "false" ? false : undefined),
};

export const PORT: ValueKind<number> = { expected: "a port from 1 to 65535", parse: portOf };

/** In the order given, each once; empty: none. */
export const PORTS: ValueKind<string> = {
  expected: `up to ${MAX_PORTS} ports from 1 to 65535, with commas between them`,
  parse: (text) => {
    if (text.trim() === "") return "";
    const ports = text.split(",").map((part) => portOf(part.trim()));
    if (ports.length > MAX_PORTS || ports.includes(undefined)) return undefined;
    return [...new Set(ports)].join(",");
  },
};

export const PORTS_OR_ALL: ValueKind<string> = {
  expected: `"*", or ${PORTS.expected}`,
  parse: (text) => (text === "*" ? text : PORTS.parse(text)),
};

/** Checked as far as that they can be networks; `weft init` reads them for good. Empty: none. */
export const CIDRS: ValueKind<string> = {
  expected: "networks such as 10.0.0.0/8 or fd00::/8, with commas between them",
  parse: (text) => {
    if (text.trim() === "") return "";
    const networks = text.split(",").map((part) => part.trim());
    return networks.length <= MAX_PORTS && networks.every(isCidr)
      ? [...new Set(networks)].join(",")
      : undefined;
  },
};

export const CIDRS_OR_ALL: ValueKind<string> = {
  expected: `"*", or ${CIDRS.expected}`,
  parse: (text) => (text === "*" ? text : CIDRS.parse(text)),
};

/** As Kubernetes writes it; `none` for no request or limit. */
export const QUANTITIES: ValueKind<string> = {
  expected: 'a quantity such as 100m, 0.5, 128Mi or 1Gi, or "none"',
  parse: (text) => (text === "none" || (QUANTITY.test(text) && /[1-9]/.test(text)) ? text : undefined),
};

/** As the sidecar's flags take it. */
export const DURATIONS: ValueKind<string> = {
  expected: "a duration such as 500ms, 5s or 1m30s, 24h at most",
  parse: (text) => (DURATION.test(text) && secondsOf(text) <= MAX_SECONDS ? text : undefined),
};

export const IMAGES: ValueKind<string> = {
  expected: "the name of an image",
  parse: (text) => (IMAGE.test(text) ? text : undefined),
};

export function wholeNumber(min: number, max: number): ValueKind<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      const value = Number(text);
      return /^\d{1,9}$/.test(text) && value >= min && value <= max ? value : undefined;
    },
  };
}

export function oneOf<const T extends string>(...words: readonly T[]): ValueKind<T> {
  return {
    expected: words.map((word) => `"${word}"`).join(" or "),
    parse: (text) => words.find((word) => word === text),
  };
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^[1-9]\d{0,4}$/.test(text) && port < 65_536 ? port : undefined;
}

function secondsOf(duration: string): number {
  let seconds = 0;
  for (const [, amount, unit = ""] of duration.matchAll(DURATION_PART))
    seconds += Number(amount) * (UNIT_SECONDS[unit] ?? 0);
  return seconds;
}

function isCidr(text: string): boolean {
  const [address = "", length = "", more] = text.split("/");
  const family = isIP(address);
  return (
    family !== 0 &&
    more === undefined &&
    !address.includes("%") &&
    /^(?:0|[1-9]\d{0,2})$/.test(length) &&
    Number(length) <= (family === 4 ? 32 : 128)
  );
}
