/** Hosts as policies name them: in any case, with or without the port that the request's must then have. */

import { formOf, TextSet } from "../http/text-set.ts";
import { type Compile, keysOf } from "./field.ts";

const DEFAULT_PORT = 80;

/** `a.b`, `a.b:8080`, `a.*`, `*.b:8080`, `*`. */
export const hosts: Compile<string> = (values, isLoose) => {
  const patterns = values.map(split);
  const byPort = Map.groupBy(patterns, ({ port }) => port);
  const sets = [...byPort].map(
    ([port, list]) => [port, new TextSet(list.map(({ host }) => formOf(host)))] as const,
  );
  return {
    test: ({ http }) => {
      if (http === null) return false;
      for (const [port, set] of sets)
        if (hasPort(port, http.hostPort, isLoose) && set.has(http.host)) return true;
      return false;
    },
    ...keysOf(
      "host",
      patterns.map(({ host }) => formOf(host)),
    ),
  };
};

/** A Host without a port means the default one; for what refuses, any. */
function hasPort(wanted: number, found: number, isLoose: boolean): boolean {
  if (wanted === 0 || wanted === found) return true;
  return found === 0 && (isLoose || wanted === DEFAULT_PORT);
}

function split(value: string): { readonly host: string; readonly port: number } {
  const [, name = value, digits = ""] = /^(.*):([0-9]{1,5}|\*)$/.exec(value) ?? [];
  const isBareAddress = name.includes(":") && !name.startsWith("[");
  const text = (isBareAddress ? value : name).toLowerCase().replace(/^\[(.*)\]$/, "$1");
  const port = isBareAddress || digits === "*" ? 0 : Number(digits);
  return { host: text.length > 1 && text.endsWith(".") ? text.slice(0, -1) : text, port };
}
