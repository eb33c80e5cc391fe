/** TrafficPolicy `outlierDetection`: instances that fail get nothing for a while. Numbers and names are Envoy's. */
import { integer, positiveDuration } from "../scalars.ts";
import { object, optional, refine, withDefault } from "../schema.ts";

const successRate = object({
  minimumHosts: withDefault(
    integer(1, 10_000),
    5,
    "Instances with enough requests, without which nobody is judged.",
  ),
  requestVolume: withDefault(
    integer(1, 1_000_000),
    100,
    "Requests in an interval without which an instance is not judged.",
  ),
  stdevFactor: withDefault(
    integer(100, 10_000),
    1_900,
    "Thousandths of the standard deviation that a success rate may lie under the mean.",
    "Envoy `success_rate_stdev_factor`",
  ),
});

const failurePercentage = object({
  threshold: withDefault(
    integer(1, 100, { unit: "%" }),
    85,
    "Failures from which on an instance is ejected.",
  ),
  minimumHosts: withDefault(
    integer(1, 10_000),
    5,
    "Instances with enough requests, without which nobody is judged.",
  ),
  requestVolume: withDefault(
    integer(1, 1_000_000),
    50,
    "Requests in an interval without which an instance is not judged.",
  ),
});

export const outlierDetection = refine(
  object({
    consecutive5xx: withDefault(
      integer(0, 10_000),
      5,
      "Answers of 500 and more in a row, and tries without one; 0: not looked at.",
      "Envoy `consecutive_5xx`, Istio `consecutive5xxErrors`",
    ),
    consecutiveGatewayErrors: withDefault(
      integer(0, 10_000),
      5,
      "Answers 502, 503 and 504 in a row, and connections that fail; 0: not looked at.",
      "Envoy `consecutive_gateway_failure`, Istio `consecutiveGatewayErrors`",
    ),
    interval: withDefault(positiveDuration, "10s", "How often rates are compared.", "Envoy `interval`"),
    baseEjectionTime: withDefault(
      positiveDuration,
      "30s",
      "How long the first ejection lasts; later ones of the same instance so many times longer.",
      "Envoy `base_ejection_time`",
    ),
    maxEjectionTime: withDefault(
      positiveDuration,
      "300s",
      "The longest ejection.",
      "Envoy `max_ejection_time`",
    ),
    maxEjectionPercent: withDefault(
      integer(0, 100, { unit: "%" }),
      10,
      "Most instances that are ejected at once. One always may be where there are three or more, and the last never is.",
      "Envoy `max_ejection_percent`",
    ),
    successRate: optional(
      successRate,
      "Ejects whom the others' success rates leave behind; default: nobody.",
      "Envoy `success_rate_*`",
    ),
    failurePercentage: optional(
      failurePercentage,
      "Ejects whom more than this share of requests fails at; default: nobody.",
      "Envoy `failure_percentage_*`",
    ),
  }),
  ({ baseEjectionTime, maxEjectionTime }, say) => {
    if (maxEjectionTime < baseEjectionTime)
      say(
        ["maxEjectionTime"],
        "must not be shorter than baseEjectionTime",
        "at least the value of baseEjectionTime",
      );
  },
);
