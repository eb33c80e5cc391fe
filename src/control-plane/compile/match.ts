/**
 * An HTTPRoute's match as the data plane tests it. A prefix of `/` holds for every path and is left out.
 */
import type { RequestMatch, RouteMatch, ValueMatch } from "../../discovery/route.ts";
import type { MatchInput, ValueMatchInput } from "./route-inputs.ts";

/** One match; `rule` is the index of what it leads to. */
export function compileMatch(match: MatchInput, rule: number, source: string): RouteMatch {
  return { ...compileRequestMatch(match), rule, source };
}

/** What it tests of requests. */
export function compileRequestMatch(match: MatchInput): RequestMatch {
  const path = compilePath(match.path);
  return {
    ...(path === undefined ? {} : { path }),
    ...(match.method === undefined ? {} : { method: match.method }),
    ...(match.headers === undefined || match.headers.length === 0
      ? {}
      : { headers: match.headers.map((header) => valueMatch(header, header.name.toLowerCase())) }),
    ...(match.queryParams === undefined || match.queryParams.length === 0
      ? {}
      : { query: match.queryParams.map((parameter) => valueMatch(parameter, parameter.name)) }),
  };
}

function compilePath(path: MatchInput["path"]): RouteMatch["path"] {
  const value = path?.value ?? "/";
  if (path?.type === "Exact") return { kind: "exact", value };
  if (path?.type === "RegularExpression") return { kind: "regex", value };
  const prefix = value.length > 1 && value.endsWith("/") ? value.slice(0, -1) : value;
  return prefix === "/" || prefix === "" ? undefined : { kind: "prefix", value: prefix };
}

function valueMatch(match: ValueMatchInput, name: string): ValueMatch {
  return { name, kind: match.type === "RegularExpression" ? "regex" : "exact", value: match.value };
}
