/** What of a request is looked up in the index of a dimension. */
import { claimValues, requestPrincipal } from "./claims.ts";
import { headerTexts } from "./header-field.ts";
import { segmentAt } from "./path-keys.ts";
import { looseReading } from "./path-reading.ts";
import type { RequestView } from "./view.ts";

export type Read = (view: RequestView) => string | readonly string[] | null;

const READERS: Readonly<Record<string, Read>> = {
  principal: (view) => view.principal,
  namespace: (view) => view.namespace,
  subject: (view) => requestPrincipal(view.claims),
  port: (view) => String(view.port),
  host: ({ http }) => http?.host ?? null,
  method: ({ http }) => http?.method ?? null,
  "loose method": ({ http }) => http?.method.toUpperCase() ?? null,
  path: ({ http }) => http?.path ?? null,
  "loose path": ({ http }) => (http === null ? null : looseReading(http.path)),
};

/** For the dimensions of `Key`. */
export function readerOf(dimension: string): Read {
  const known = READERS[dimension];
  if (known !== undefined) return known;
  const [, reading = "", at] = /^((?:loose )?path) segment (-?\d+)$/.exec(dimension) ?? [];
  const readPath = READERS[reading];
  if (readPath !== undefined) {
    return (view) => {
      const path = readPath(view);
      return typeof path === "string" ? segmentAt(path, Number(at)) : null;
    };
  }
  const rest = dimension.slice(dimension.indexOf(" ") + 1);
  if (dimension.startsWith("header ")) return ({ http }) => headerTexts(http?.header(rest, false) ?? []);
  const path: readonly string[] = JSON.parse(rest);
  return (view) => claimValues(view.claims, path);
}
