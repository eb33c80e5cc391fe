/**
 * The two timeouts of an exchange, as HTTPRoutes and TrafficPolicies have them (Gateway API, GEP-1742).
 */
import { duration } from "./scalars.ts";
import { type Fields, optional, type Say } from "./schema.ts";

export const timeoutFields = {
  request: optional(
    duration,
    "For the whole exchange, retries included; `0s`: none; default: none.",
    "Istio `timeout`, Envoy `timeout`",
  ),
  backendRequest: optional(
    duration,
    "For one attempt; `0s`: none; default: none. Not longer than `request`.",
    "Istio `perTryTimeout`, Envoy `per_try_timeout`",
  ),
} as const satisfies Fields;

/** A rule for `refine`: an attempt must not outlast the exchange. */
export function timeoutsFit(
  { request, backendRequest }: { readonly request?: number; readonly backendRequest?: number },
  say: Say,
): void {
  if (request && backendRequest && backendRequest > request) {
    say(["backendRequest"], "must not be longer than request", "at most the value of request");
  }
}
