/**
 * One port of one Service as its clients see it: matches in order of precedence, each leading to a compiled rule. Compiled when
 * the configuration arrives; a request only walks the list.
 */
import type { ServiceRef } from "../../discovery/messages.ts";
import type { RouteMatch, RouteResource, RouteRule, WeightedBackend } from "../../discovery/route.ts";
import type { HeadEdit } from "../http/edit.ts";
import { type HashSource, hashSource } from "../http/hash-source.ts";
import type { Head } from "../http/head.ts";
import { ComparisonPlan } from "./comparison-plan.ts";
import { Faults } from "./faults.ts";
import { Matcher } from "./match.ts";
import { Opaque } from "./opaque.ts";
import { Priorities } from "./priorities.ts";
import { RetryPolicy } from "./retry-policy.ts";
import { compileEdit, compileRedirect, type Redirect } from "./rewrite.ts";
import { Split } from "./split.ts";

export interface Backend {
  /** Null: the reference dangles. */
  readonly cluster: string | null;
  readonly reason: string;
  readonly requestEdit: HeadEdit | null;
  readonly responseEdit: HeadEdit | null;
}

export interface MirrorTarget {
  readonly cluster: string;
  /** Of `[0, 1]`. */
  readonly share: number;
  /** Null: responses are not compared. */
  readonly comparison: ComparisonPlan | null;
}

export type Action =
  | {
      readonly kind: "forward";
      readonly split: Split;
      /** What keeps its backend; null: nothing does. */
      readonly stickyBy: HashSource | null;
      readonly backends: readonly Backend[];
      readonly mirrors: readonly MirrorTarget[];
    }
  | { readonly kind: "redirect"; readonly redirect: Redirect }
  | { readonly kind: "fail"; readonly reason: string };

export interface Rule {
  readonly name: string;
  /** 0: none. */
  readonly requestTimeoutMs: number;
  /** 0: none. */
  readonly backendRequestTimeoutMs: number;
  readonly retry: RetryPolicy;
  /** Null: all are `default`. */
  readonly priority: Priorities | null;
  /** Null: nothing goes wrong on purpose. */
  readonly faults: Faults | null;
  readonly action: Action;
}

export interface Selected {
  readonly rule: Rule;
  readonly source: string;
}

export class VirtualHost {
  readonly name: string;
  readonly service: ServiceRef;
  readonly port: number;
  /** What becomes of connections that are not read; null: there are none. */
  readonly opaque: Opaque | null;
  readonly #matchers: readonly Matcher[];
  readonly #selected: readonly Selected[];

  /** Throws for what cannot be compiled: a regular expression, a rule that does not exist. */
  constructor(resource: RouteResource) {
    this.name = resource.name;
    this.service = resource.service;
    this.port = resource.port;
    this.opaque = resource.opaque === undefined ? null : new Opaque(resource.opaque);
    this.#matchers = resource.matches.map((match) => new Matcher(match));
    this.#selected = resource.matches.map((match) => {
      const rule = resource.rules[match.rule];
      if (rule === undefined)
        throw new RangeError(`${match.source} names rule ${match.rule}, which does not exist`);
      return { rule: compileRule(rule, match, resource.port), source: match.source };
    });
  }

  /** The rule of the first match that holds, or null. */
  select(head: Head): Selected | null {
    for (let i = 0; i < this.#matchers.length; i++)
      if (this.#matchers[i]!.holds(head)) return this.#selected[i]!;
    return null;
  }
}

/** A rule is compiled once per match, because a path rewrite depends on the prefix that matched. */
function compileRule(rule: RouteRule, match: RouteMatch, port: number): Rule {
  const prefix = match.path?.kind === "prefix" ? match.path.value : "/";
  return {
    name: rule.name,
    requestTimeoutMs: rule.requestTimeoutMs ?? 0,
    backendRequestTimeoutMs: rule.backendRequestTimeoutMs ?? 0,
    retry: new RetryPolicy(rule.retry),
    priority: rule.priority === undefined ? null : new Priorities(rule.priority),
    faults: rule.faults === undefined ? null : new Faults(rule.faults),
    action: compileAction(rule, prefix, port),
  };
}

function compileAction(rule: RouteRule, prefix: string, port: number): Action {
  const { action } = rule;
  switch (action.kind) {
    case "fail":
      return action;
    case "redirect":
      return { kind: "redirect", redirect: compileRedirect(action, port, prefix) };
    case "forward":
      return {
        kind: "forward",
        split: new Split(action.backends),
        stickyBy: hashSource(action.stickyBy),
        backends: action.backends.map((backend) => compileBackend(backend, action, prefix)),
        mirrors: (action.mirrors ?? []).map((mirror) => ({
          cluster: mirror.cluster,
          share: mirror.denominator === 0 ? 0 : mirror.numerator / mirror.denominator,
          comparison: mirror.comparison === undefined ? null : new ComparisonPlan(rule.name, mirror),
        })),
      };
  }
}

type Forward = Extract<RouteRule["action"], { kind: "forward" }>;

function compileBackend(backend: WeightedBackend, action: Forward, prefix: string): Backend {
  return {
    cluster: backend.cluster ?? null,
    reason: backend.reason ?? "",
    requestEdit: compileEdit([action.requestHeaders, backend.requestHeaders], action.rewrite, prefix),
    responseEdit: compileEdit([action.responseHeaders, backend.responseHeaders], undefined, prefix),
  };
}
