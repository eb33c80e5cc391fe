/**
 * What goes wrong on purpose for requests of a route's rule. Which clients and which requests it may befall is left to the
 * sidecar; the control plane has found the rules that it concerns.
 */

import type { SourceMatch } from "./policy.ts";
import type { RequestMatch } from "./route.ts";

/** One fault; without an effect it does nothing. */
export interface Fault {
  /** `FaultInjection default/chaos fault slow`. */
  readonly source: string;
  /** Any of them must hold; absent: every request. */
  readonly matches?: readonly RequestMatch[];
  /** Any of them must hold of the sidecar's own workload; absent: every client. */
  readonly from?: readonly FaultSource[];
  /** Of the tries, from 0 to 1. Default 1. */
  readonly share?: number;
  /** Both ends belong to it; they are equal where it is fixed. */
  readonly delay?: { readonly minMs: number; readonly maxMs: number };
  readonly abort?: Abort;
  /** Of the response's body. */
  readonly bytesPerSecond?: number;
}

/** All fields must hold; values are exact, `prefix*`, `*suffix` or `*`. */
export type FaultSource = Pick<SourceMatch, "principals" | "notPrincipals" | "namespaces" | "notNamespaces">;

/** How a try ends instead of being sent. */
export type Abort =
  /** From 200 to 599. */
  | { readonly kind: "status"; readonly status: number }
  /** From 1 to 16. */
  | { readonly kind: "grpc"; readonly status: number }
  | { readonly kind: "reset" };
