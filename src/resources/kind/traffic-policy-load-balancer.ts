/** TrafficPolicy `loadBalancer`: which instance gets a request. */
import { boolean, integer, positiveDuration } from "../scalars.ts";
import { object, oneOfValues, optional, refine, required, withDefault } from "../schema.ts";
import { hashFields } from "./traffic-policy-hash.ts";

const slowStart = object({
  window: required(positiveDuration, "For so long an instance that has just come gets less than its share."),
  minWeight: withDefault(
    integer(1, 100, { unit: "%" }),
    10,
    "Of its share, to begin with; it grows in proportion to the time.",
    "Envoy `min_weight_percent`",
  ),
});

export const loadBalancer = refine(
  object({
    policy: withDefault(
      oneOfValues(["leastRequest", "roundRobin", "random", "peakEwma", "ringHash", "maglev"]),
      "leastRequest",
      "How an instance is chosen: `leastRequest` takes the less busy of two random ones, `peakEwma` the one that is expected to answer sooner, `ringHash` and `maglev` the one to which the request's hash belongs.",
      "Envoy `lb_policy`, Istio `loadBalancer.simple`",
    ),
    hash: optional(
      hashFields,
      "What makes requests go to the same instance; for `ringHash` and `maglev`.",
      "Istio `consistentHash`",
    ),
    hashBalanceFactor: optional(
      integer(101, 10_000, { unit: "%" }),
      "For `ringHash` and `maglev`: an instance with more than this share of the mean load hands its requests on to the next; default: none does.",
      "Envoy `hash_balance_factor`",
    ),
    panicThreshold: withDefault(
      integer(0, 100, { unit: "%" }),
      50,
      "When fewer instances than this are healthy, health is ignored; 0: never.",
      "Envoy `healthy_panic_threshold`",
    ),
    prefersZone: withDefault(
      boolean,
      true,
      "Instances of the client's own zone come first, the others' as far as those are not enough.",
      "Istio `localityLbSetting`",
    ),
    slowStart: optional(
      slowStart,
      "What new instances get; default: at once their whole share.",
      "Envoy `slow_start_config`, Istio `warmup`",
    ),
  }),
  ({ policy, hash, hashBalanceFactor, slowStart: ramp }, say) => {
    const isHashed = policy === "ringHash" || policy === "maglev";
    if (hash !== undefined && !isHashed) say(["hash"], "is for ringHash and maglev", "another policy");
    if (hash === undefined && isHashed) say(["hash"], `is required for ${policy}`, "what is hashed");
    if (hashBalanceFactor !== undefined && !isHashed)
      say(["hashBalanceFactor"], "is for ringHash and maglev", "another policy");
    if (ramp !== undefined && isHashed) say(["slowStart"], `is not for ${policy}`, "another policy");
  },
  {
    rule: "has(self.policy) && self.policy in ['ringHash', 'maglev'] ? has(self.hash) && !has(self.slowStart) : !has(self.hash) && !has(self.hashBalanceFactor)",
    message:
      "ringHash and maglev need hash and take no slowStart; hash and hashBalanceFactor are for these two",
  },
);
