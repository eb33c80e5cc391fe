/** TrafficPolicy `retry` and `retryBudget`: what is tried again, and how often that may be. */
import { type CelRule, exactlyOne } from "../cel.ts";
import { boolean, duration, headerName, integer, positiveDuration } from "../scalars.ts";
import { list, object, oneOfValues, optional, refine, withDefault } from "../schema.ts";

const condition = oneOfValues([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "refused-stream",
  "retriable-4xx",
  "retriable-status-codes",
  "retriable-headers",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

const hedge = refine(
  object({
    delay: optional(positiveDuration, "A second try starts when the first has not answered for so long."),
    percentile: optional(
      integer(50, 99, { unit: "%" }),
      "Or for as long as this share of the latest requests took.",
    ),
  }),
  ({ delay, percentile }, say) => {
    if ((delay === undefined) === (percentile === undefined))
      say([], "needs one of two", "delay or percentile");
  },
  exactlyOne(["delay", "percentile"]),
);

function needsEachOther(word: string, field: string): CelRule {
  return {
    rule: `(has(self.retryOn) && '${word}' in self.retryOn) == has(self.${field})`,
    message: `${word} of retryOn and ${field} need each other`,
  };
}

export const retry = refine(
  object({
    attempts: withDefault(
      integer(0, 10),
      2,
      "Tries after the first; 0: none.",
      "Istio `attempts`, Envoy `num_retries`",
    ),
    retryOn: withDefault(
      list(condition, { max: 16 }),
      ["connect-failure", "refused-stream", "unavailable", "cancelled", "reset-before-request"],
      "When: words of Envoy's. A request that may have reached the application is sent again only where its method is idempotent, or by `nonIdempotent`; gRPC's words hold for gRPC.",
      "Envoy `retry_on`, Istio `retryOn`",
    ),
    statusCodes: optional(
      list(integer(400, 599), { min: 1, max: 32 }),
      "For `retriable-status-codes`.",
      "Envoy `retriable_status_codes`",
    ),
    headers: optional(
      list(headerName, { min: 1, max: 16 }),
      "For `retriable-headers`: a response that has one of them.",
      "Envoy `retriable_headers`",
    ),
    perTryTimeout: optional(
      positiveDuration,
      "For one try; default: `timeouts.backendRequest`.",
      "Istio and Envoy `perTryTimeout`",
    ),
    backoff: optional(
      positiveDuration,
      "Base of the delay before a try, which is random up to it, then up to three times, seven times it; default: 25ms.",
      "Envoy `base_interval`",
    ),
    maxBackoff: optional(
      positiveDuration,
      "The longest delay; default: ten times `backoff`.",
      "Envoy `max_interval`",
    ),
    retryAfterMax: withDefault(
      duration,
      "10s",
      "A `Retry-After` of up to this is waited for; one of more goes to the client. `0s`: none is.",
      "Envoy `rate_limited_retry_back_off`",
    ),
    nonIdempotent: withDefault(
      boolean,
      false,
      "Whether POST, PATCH and other methods are sent again too when they may have reached the application.",
    ),
    hedge: optional(
      hedge,
      "A second try beside a slow first one; the first answer wins. Counts as a retry.",
      "gRPC `hedgingPolicy`",
    ),
  }),
  ({ retryOn, statusCodes, headers, backoff, maxBackoff }, say) => {
    const needs = (word: (typeof retryOn)[number], field: string, has: boolean) => {
      if (retryOn.includes(word) && !has)
        say([field], `is required for ${word}`, `${field}, or \`retryOn\` without ${word}`);
      if (!retryOn.includes(word) && has)
        say([field], `is for ${word}, which \`retryOn\` does not have`, `retryOn: [${word}]`);
    };
    needs("retriable-status-codes", "statusCodes", statusCodes !== undefined);
    needs("retriable-headers", "headers", headers !== undefined);
    if (maxBackoff !== undefined && maxBackoff < (backoff ?? 25))
      say(["maxBackoff"], "must not be shorter than backoff", "at least the value of backoff");
  },
  needsEachOther("retriable-status-codes", "statusCodes"),
  needsEachOther("retriable-headers", "headers"),
);

export const retryBudget = object({
  percent: withDefault(
    integer(0, 100, { unit: "%" }),
    20,
    "Retries may be this share of the requests under way, and of those of the last second.",
    "Envoy `budget_percent`, Linkerd `retryRatio`",
  ),
  minConcurrency: withDefault(
    integer(0, 1_000),
    3,
    "So many at once may always be.",
    "Envoy `min_retry_concurrency`",
  ),
  minPerSecond: withDefault(
    integer(0, 100_000),
    10,
    "And so many in each second.",
    "Linkerd `minRetriesPerSecond`",
  ),
});
