/** Where what comes for one port of one Service goes, as the stream carries it: the Gateway API's matches, filters and weights, compiled. */
import type { Fault } from "./faults.ts";
import type { HashKey, ServiceRef } from "./messages.ts";
import type { MirrorComparison } from "./mirror-comparison.ts";
import type { PriorityRules, RetryPolicy } from "./resilience.ts";

/**
 * One port of one Service as its clients see it. Named `<service>.<namespace>:<port>`, or by an address that leads to it: the
 * Service's own, or that of one of its endpoints (`addressName`), which then is the only one.
 */
export interface RouteResource {
  readonly name: string;
  readonly service: ServiceRef;
  readonly port: number;
  /** What becomes of connections that are not read. Absent: there are none. */
  readonly opaque?: OpaquePort;
  /** In order of precedence: the first that holds decides. None holds: 404. */
  readonly matches: readonly RouteMatch[];
  readonly rules: readonly RouteRule[];
}

export interface OpaquePort {
  readonly backends: readonly Pick<WeightedBackend, "weight" | "cluster" | "reason">[];
  /** No HTTP is spoken there; otherwise the first bytes decide. */
  readonly isCertain: boolean;
}

export type ValueMatch =
  | { readonly name: string; readonly kind: "exact"; readonly value: string }
  | { readonly name: string; readonly kind: "regex"; readonly value: string };

export interface RequestMatch {
  readonly path?: { readonly kind: "exact" | "prefix" | "regex"; readonly value: string };
  readonly method?: string;
  /** Names in lower case. */
  readonly headers?: readonly ValueMatch[];
  readonly query?: readonly ValueMatch[];
}

export interface RouteMatch extends RequestMatch {
  /** Index into `rules`. */
  readonly rule: number;
  /** Where the match was written, e.g. `HTTPRoute default/catalog rule 0 match 1`. */
  readonly source: string;
}

export interface RouteRule {
  readonly name: string;
  readonly action: RouteAction;
  /** Whole exchange, retries included; absent: none. */
  readonly requestTimeoutMs?: number;
  /** One attempt; absent: none. */
  readonly backendRequestTimeoutMs?: number;
  /** Absent: its defaults. */
  readonly retry?: RetryPolicy;
  /** Absent: `default`. */
  readonly priority?: PriorityRules;
  /** What goes wrong on purpose; absent: nothing. */
  readonly faults?: readonly Fault[];
}

export type RouteAction =
  | {
      readonly kind: "forward";
      readonly backends: readonly WeightedBackend[];
      /** What keeps its backend while weights move; absent: each request is dealt anew. */
      readonly stickyBy?: HashKey;
      readonly requestHeaders?: HeaderModifier;
      readonly responseHeaders?: HeaderModifier;
      readonly rewrite?: UrlRewrite;
      readonly mirrors?: readonly Mirror[];
    }
  | {
      readonly kind: "redirect";
      readonly scheme?: "http" | "https";
      readonly hostname?: string;
      readonly path?: PathRewrite;
      readonly port?: number;
      readonly statusCode: 301 | 302 | 303 | 307 | 308;
      readonly responseHeaders?: HeaderModifier;
    }
  /** The rule cannot be served, e.g. an unknown filter; its traffic gets 500. */
  | { readonly kind: "fail"; readonly reason: string };

export interface WeightedBackend {
  /** Whole number from 0 to 1,000,000. */
  readonly weight: number;
  /** Absent: the reference dangles and its share of traffic gets 500. */
  readonly cluster?: string;
  /** Why `cluster` is absent. */
  readonly reason?: string;
  readonly requestHeaders?: HeaderModifier;
  readonly responseHeaders?: HeaderModifier;
}

export interface HeaderModifier {
  readonly set?: readonly HeaderValue[];
  readonly add?: readonly HeaderValue[];
  readonly remove?: readonly string[];
}

export interface HeaderValue {
  readonly name: string;
  readonly value: string;
}

export interface UrlRewrite {
  readonly hostname?: string;
  readonly path?: PathRewrite;
}

export type PathRewrite =
  | { readonly kind: "replaceFullPath"; readonly value: string }
  | { readonly kind: "replacePrefixMatch"; readonly value: string };

export interface Mirror {
  readonly cluster: string;
  /** Share of requests as numerator over denominator. */
  readonly numerator: number;
  readonly denominator: number;
  /** Absent: its responses are dropped unseen. */
  readonly comparison?: MirrorComparison;
}
