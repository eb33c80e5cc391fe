/**
 * What the Gateway API says of matching (HTTPRouteRule.matches), written for the eye: every match of every rule is tried, and those
 * that hold are sorted by the list of criteria. Slow, with strings and copies; the data plane must agree with it.
 */
import { normalTarget } from "./path-reference.ts";

export interface MatchSpec {
  readonly path?: { readonly type: "Exact" | "PathPrefix" | "RegularExpression"; readonly value: string };
  readonly method?: string;
  readonly headers?: readonly ValueSpec[];
  readonly queryParams?: readonly ValueSpec[];
}

export interface ValueSpec {
  readonly name: string;
  readonly value: string;
  readonly type: "Exact" | "RegularExpression";
}

export interface RouteSpec {
  readonly name: string;
  /** Milliseconds; undefined: unknown. */
  readonly createdAt: number | undefined;
  readonly rules: readonly { readonly matches: readonly MatchSpec[] }[];
}

export interface RequestSpec {
  readonly method: string;
  readonly path: string;
  /** Decoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** `<route> rule <n> match <m>` of the match that decides, or undefined. */
export function referenceMatch(routes: readonly RouteSpec[], request: RequestSpec): string | undefined {
  const holding = routes.flatMap((route) =>
    route.rules.flatMap((rule, ruleIndex) => {
      const matches = rule.matches.length === 0 ? [{}] : rule.matches;
      return matches.flatMap((match, matchIndex) =>
        holds(match, request)
          ? [{ rank: rank(match, route, ruleIndex, matchIndex), route, ruleIndex, matchIndex }]
          : [],
      );
    }),
  );
  const [best] = holding.sort((a, b) => compareLists(a.rank, b.rank));
  return best && `HTTPRoute default/${best.route.name} rule ${best.ruleIndex} match ${best.matchIndex}`;
}

/** Smaller is first. */
function rank(
  match: MatchSpec,
  route: RouteSpec,
  ruleIndex: number,
  matchIndex: number,
): (number | string)[] {
  const path = match.path ?? { type: "PathPrefix", value: "/" };
  const prefix = path.type === "PathPrefix" ? segments(path.value).join("/").length : 0;
  return [
    path.type === "Exact" ? 0 : 1,
    -prefix,
    // Not in the Gateway API: expressions before the prefix that takes everything.
    path.type === "RegularExpression" ? 0 : 1,
    match.method === undefined ? 1 : 0,
    -(match.headers ?? []).length,
    -(match.queryParams ?? []).length,
    route.createdAt ?? Number.POSITIVE_INFINITY,
    route.name,
    ruleIndex,
    matchIndex,
  ];
}

function compareLists(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? "";
    if (left < right) return -1;
    if (left > right) return 1;
  }
  return 0;
}

function holds(match: MatchSpec, request: RequestSpec): boolean {
  return (
    (match.path === undefined || pathHolds(match.path, normalTarget(request.path))) &&
    (match.method === undefined || match.method === request.method) &&
    (match.headers ?? []).every((header) =>
      request.headers.some(
        ([name, value]) => name.toLowerCase() === header.name.toLowerCase() && valueHolds(header, value),
      ),
    ) &&
    (match.queryParams ?? []).every((parameter) => {
      const first = request.query.find(([name]) => name === parameter.name);
      return first !== undefined && valueHolds(parameter, first[1]);
    })
  );
}

function pathHolds(path: NonNullable<MatchSpec["path"]>, requested: string): boolean {
  if (path.type === "Exact") return requested === path.value;
  if (path.type === "RegularExpression") return new RegExp(`^(?:${path.value})$`).test(requested);
  const wanted = segments(path.value);
  const given = requested.split("/").slice(1);
  return wanted.every((segment, i) => given[i] === segment);
}

/** `/a/b/` and `/a/b` are the same prefix; `/` is none. */
function segments(prefix: string): string[] {
  const trimmed = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
  return trimmed === "" ? [] : trimmed.split("/").slice(1);
}

function valueHolds(spec: ValueSpec, value: string): boolean {
  return spec.type === "Exact" ? value === spec.value : new RegExp(`^(?:${spec.value})$`).test(value);
}
