/**
 * Who may send what to a workload, as its sidecar is told: one resource, so that it changes as a whole and no DENY ever
 * lags behind an ALLOW. Selectors are resolved; what is compared stays text (exact, `prefix*`, `*suffix`, `*`), because
 * what it means is the engine's to know (src/proxy/policy).
 */

import type { RateLimitRules } from "./rate-limit.ts";

/** Name of a sidecar's one policy resource. */
export const INBOUND_POLICY = "inbound";

export interface PolicyResource {
  readonly name: typeof INBOUND_POLICY;
  /** What no ALLOW policy takes is refused, also where there is none. */
  readonly defaultDeny: boolean;
  /** Refusals tell the client which policy and rule decided. */
  readonly exposeDenials: boolean;
  readonly policies: readonly AuthorizationPolicyRules[];
  /** Whose tokens are believed; absent or empty: tokens are not looked at. */
  readonly tokens?: readonly TokenRule[];
  /** Present where NetworkPolicies isolate the workload: what none of these takes is refused. */
  readonly network?: NetworkRules;
  /** How many of them; absent: any number. */
  readonly limits?: readonly RateLimitRules[];
}

/** Tokens (JWT) of one issuer. */
export interface TokenRule {
  /** `RequestAuthentication default/web rule 0`. */
  readonly source: string;
  readonly issuer: string;
  /** Any of them must be in `aud`; absent: any is taken. */
  readonly audiences?: readonly string[];
  /** A JSON Web Key Set as text; empty: the keys have not been fetched, and no token is right. */
  readonly jwks: string;
  /** Names in lower case. */
  readonly headers: readonly { readonly name: string; readonly prefix: string }[];
  readonly params: readonly string[];
  /** Whether the header with the token goes on. */
  readonly forward: boolean;
  readonly claimHeaders: readonly { readonly header: string; readonly claim: readonly string[] }[];
}

export const POLICY_ACTIONS = ["ALLOW", "DENY", "AUDIT"] as const;

export interface AuthorizationPolicyRules {
  /** `AuthorizationPolicy default/web`; a rule's own is this with ` rule <index>`. */
  readonly source: string;
  readonly action: (typeof POLICY_ACTIONS)[number];
  readonly rules: readonly AuthorizationRule[];
}

/** Each list: any of it must hold; absent: everything does. */
export interface AuthorizationRule {
  readonly from?: readonly SourceMatch[];
  readonly to?: readonly OperationMatch[];
  /** All of them must hold. */
  readonly when?: readonly ConditionMatch[];
}

/** All fields must hold; those with several values by any of them, those that begin with `not` by none. */
export interface SourceMatch {
  /** Without `spiffe://`. */
  readonly principals?: readonly string[];
  readonly notPrincipals?: readonly string[];
  readonly requestPrincipals?: readonly string[];
  readonly notRequestPrincipals?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly notNamespaces?: readonly string[];
  /** Address, or address/length. */
  readonly ipBlocks?: readonly string[];
  readonly notIpBlocks?: readonly string[];
}

export interface OperationMatch {
  readonly hosts?: readonly string[];
  readonly notHosts?: readonly string[];
  readonly ports?: readonly number[];
  readonly notPorts?: readonly number[];
  readonly methods?: readonly string[];
  readonly notMethods?: readonly string[];
  /** Also `{*}` for a segment and `{**}` for any number. */
  readonly paths?: readonly string[];
  readonly notPaths?: readonly string[];
}

export interface ConditionMatch {
  /** Istio's: `request.headers[x]`, `source.ip`, … */
  readonly key: string;
  readonly values?: readonly string[];
  readonly notValues?: readonly string[];
}

export interface NetworkRules {
  /** The policies that isolate, for messages. */
  readonly sources: readonly string[];
  readonly rules: readonly NetworkRule[];
}

export interface NetworkRule {
  /** Absent: everybody. */
  readonly from?: NetworkPeers;
  /** Absent: every port. Both ends belong to a range. */
  readonly ports?: readonly (readonly [first: number, last: number])[];
}

/** Who is meant: any of all these lists. */
export interface NetworkPeers {
  /** Who proves to be one of these, without `spiffe://`. */
  readonly principals: readonly string[];
  /**
   * As many: service accounts that others have too who are not meant; so the connection must also come from an address of
   * those who are.
   */
  readonly principalsAt: readonly { readonly principal: string; readonly addresses: readonly string[] }[];
  /** Who proves to be of one of these namespaces. */
  readonly namespaces: readonly string[];
  /** Workloads that are meant, for connections that prove nothing. */
  readonly addresses: readonly string[];
  readonly blocks: readonly { readonly cidr: string; readonly except: readonly string[] }[];
}
