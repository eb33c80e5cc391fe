/**
 * Decides about requests by one policy resource, compiled when it arrives: NetworkPolicies, then DENY, then ALLOW, then the
 * default (semantics: Istio's AuthorizationPolicy). AUDIT decides nothing and is asked for by itself.
 */
import { POLICY_ACTIONS, type PolicyResource } from "../../discovery/policy.ts";
import { NetworkGate } from "./network-gate.ts";
import { isAmbiguous } from "./path-reading.ts";
import { type CompiledRule, compileRule } from "./rule.ts";
import { type FiledRule, RuleIndex } from "./rule-index.ts";
import type { RequestView } from "./view.ts";

export const DENIAL_REASONS = ["policy", "not_allowed", "default_deny", "network", "ambiguous_path"] as const;
export type DenialReason = (typeof DENIAL_REASONS)[number];

/** `source` says what decided, for people. */
export type Verdict =
  | { readonly isAllowed: true; readonly source: string }
  | { readonly isAllowed: false; readonly source: string; readonly reason: DenialReason };

type Action = (typeof POLICY_ACTIONS)[number];

export class Judge {
  /** Refusals tell the client what decided. */
  readonly exposesDenials: boolean;
  readonly #network: NetworkGate | null;
  readonly #deny: RuleIndex;
  readonly #allow: RuleIndex;
  readonly #audit: RuleIndex;
  /** What no rule takes. */
  readonly #default: Verdict;
  readonly #notNetwork: Verdict;
  readonly #verdicts = new Map<CompiledRule, Verdict>();
  readonly #readsPaths: boolean;

  /** Compiles at once; throws a RangeError for what can't be. */
  static of(resource: PolicyResource): Judge {
    const steps = Judge.compile(resource);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** Compiles step by step, each of which takes less than a millisecond. Throws as `of`. */
  static *compile(resource: PolicyResource): Generator<undefined, Judge> {
    for (const { action, source } of resource.policies) {
      if (!POLICY_ACTIONS.includes(action)) throw new RangeError(`${source} has an action that is none`);
    }
    const deny = yield* indexOf(resource.policies, "DENY");
    const allow = yield* indexOf(resource.policies, "ALLOW");
    const audit = yield* indexOf(resource.policies, "AUDIT");
    return new Judge(resource, deny, allow, audit);
  }

  private constructor(resource: PolicyResource, deny: RuleIndex, allow: RuleIndex, audit: RuleIndex) {
    const { policies, defaultDeny, exposeDenials, network } = resource;
    this.exposesDenials = exposeDenials;
    this.#network = network === undefined ? null : new NetworkGate(network);
    this.#deny = deny;
    this.#allow = allow;
    this.#audit = audit;
    this.#notNetwork = { isAllowed: false, reason: "network", source: this.#network?.source ?? "" };
    this.#default = defaultVerdict(policies, defaultDeny);
    this.#readsPaths = policies.some(({ rules }) =>
      rules.some(({ to = [] }) =>
        to.some(({ paths, notPaths }) => paths !== undefined || notPaths !== undefined),
      ),
    );
  }

  /** Whether a request, or without HTTP a connection, may pass, and what says so. */
  decide(view: RequestView): Verdict {
    const { http } = view;
    if (this.#network !== null && !this.#network.takes(view)) return this.#notNetwork;
    if (this.#readsPaths && http !== null && isAmbiguous(http.path)) return AMBIGUOUS;
    const denied = this.#deny.size === 0 ? null : this.#deny.first(view);
    if (denied !== null) return this.#verdictOf(denied, false);
    const allowed = this.#allow.size === 0 ? null : this.#allow.first(view);
    return allowed === null ? this.#default : this.#verdictOf(allowed, true);
  }

  /** The rule of an AUDIT policy that takes the request; null: none does. */
  audited(view: RequestView): string | null {
    return this.#audit.size === 0 ? null : (this.#audit.first(view)?.source ?? null);
  }

  #verdictOf(rule: CompiledRule, isAllowed: boolean): Verdict {
    let verdict = this.#verdicts.get(rule);
    if (verdict === undefined) {
      const { source } = rule;
      verdict = isAllowed ? { isAllowed, source } : { isAllowed, source, reason: "policy" };
      this.#verdicts.set(rule, verdict);
    }
    return verdict;
  }
}

const AMBIGUOUS: Verdict = {
  isAllowed: false,
  reason: "ambiguous_path",
  source: "ambiguous path",
};

type Policies = PolicyResource["policies"];

function* indexOf(policies: Policies, action: Action): Generator<undefined, RuleIndex> {
  // Without HTTP Istio leaves out of a DENY rule what it can't ask, and the other rules as a whole.
  const stance = { refuses: action !== "ALLOW", withoutHttp: action === "DENY" };
  const rules: FiledRule[] = [];
  for (const policy of policies) {
    if (policy.action !== action) continue;
    for (const [i, rule] of policy.rules.entries()) {
      rules.push(compileRule(`${policy.source} rule ${i}`, rules.length, rule, stance));
    }
    yield;
  }
  return yield* RuleIndex.build(rules);
}

function defaultVerdict(policies: Policies, defaultDeny: boolean): Verdict {
  const [first, ...others] = policies.filter(({ action }) => action === "ALLOW");
  if (first !== undefined) {
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    return { isAllowed: false, reason: "not_allowed", source: `no rule of ${first.source}${more}` };
  }
  return defaultDeny
    ? { isAllowed: false, reason: "default_deny", source: "MeshConfig defaultDeny" }
    : { isAllowed: true, source: "no policy" };
}
