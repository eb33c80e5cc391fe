/**
 * The order in which matches are tried (Gateway API, HTTPRouteRule.matches): exact path, longest prefix, method, number
 * of headers, number of query parameters, then the oldest route, its name, and the order in which it was written. The
 * Gateway API leaves regular expressions open: they come after prefixes, as in Istio, but before the prefix `/` that
 * takes everything, which would otherwise make every one of them unreachable.
 */
import type { RouteMatch } from "../../discovery/route.ts";

/** A match with what decides between it and its equals. */
export interface RankedMatch {
  readonly match: RouteMatch;
  /** Milliseconds since the epoch; `Infinity` when unknown, so that what has an age comes first. */
  readonly createdAt: number;
  /** `<namespace>/<name>` of the HTTPRoute. */
  readonly route: string;
  readonly ruleIndex: number;
  readonly matchIndex: number;
}

/** Negative when `a` is tried before `b`; a total order. */
export function compareMatches(a: RankedMatch, b: RankedMatch): number {
  const byContent =
    pathRank(b.match) - pathRank(a.match) ||
    prefixLength(b.match) - prefixLength(a.match) ||
    count(b.match.method === undefined ? 0 : 1, a.match.method === undefined ? 0 : 1) ||
    count(b.match.headers?.length, a.match.headers?.length) ||
    count(b.match.query?.length, a.match.query?.length);
  if (byContent !== 0) return byContent;
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  if (a.route !== b.route) return a.route < b.route ? -1 : 1;
  return a.ruleIndex - b.ruleIndex || a.matchIndex - b.matchIndex;
}

function count(a: number | undefined, b: number | undefined): number {
  return (a ?? 0) - (b ?? 0);
}

function pathRank(match: RouteMatch): number {
  if (match.path === undefined) return 0;
  if (match.path.kind === "exact") return 3;
  return match.path.kind === "prefix" ? 2 : 1;
}

function prefixLength(match: RouteMatch): number {
  return match.path?.kind === "prefix" ? match.path.value.length : 0;
}
