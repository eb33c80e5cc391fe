/**
 * TrafficPolicy (weft.dev/v1alpha1): how clients' sidecars treat a Service: which instance they choose, what they try again, how
 * much they send at once, how long they wait. What a DestinationRule is in Istio.
 */
import { metadataOf } from "../metadata.ts";
import { dnsName, positiveDuration } from "../scalars.ts";
import { type Infer, object, optional, refine, required } from "../schema.ts";
import { timeoutFields, timeoutsFit } from "../timeouts.ts";
import { serviceTarget } from "./service-target.ts";
import { adaptiveConcurrency, connectionPool } from "./traffic-policy-connection-pool.ts";
import { hashFields } from "./traffic-policy-hash.ts";
import { healthCheck } from "./traffic-policy-health-check.ts";
import { loadBalancer } from "./traffic-policy-load-balancer.ts";
import { mirrorComparison } from "./traffic-policy-mirror.ts";
import { outlierDetection } from "./traffic-policy-outlier.ts";
import { priority } from "./traffic-policy-priority.ts";
import { retry, retryBudget } from "./traffic-policy-retry.ts";

export const trafficPolicyMetadata = metadataOf(dnsName);

export const trafficPolicySpec = object({
  targetRef: required(
    serviceTarget,
    "The Service whose clients it concerns.",
    "Istio DestinationRule `host`",
  ),
  loadBalancer: optional(loadBalancer, "Which instance gets a request."),
  sticky: optional(
    hashFields,
    "What keeps its backend in rules that split traffic by weight, also while weights move; default: each request is dealt anew.",
  ),
  connectionPool: optional(connectionPool, "Connections and requests at once."),
  adaptiveConcurrency: optional(
    adaptiveConcurrency,
    "Finds by itself how many requests at once the Service takes before it gets slower; default: off.",
    "Envoy `adaptive_concurrency`",
  ),
  outlierDetection: optional(outlierDetection, "Instances that fail get nothing for a while; default: off."),
  mirrorComparison: optional(
    mirrorComparison,
    "What is compared of the responses to requests that a route mirrors; default: nothing.",
  ),
  priority: optional(priority, "Whose requests go first when a sidecar has more than it can take."),
  retry: optional(retry, "What is tried again; a route's own `retry` wins."),
  retryBudget: optional(retryBudget, "How many retries are too many."),
  healthCheck: optional(healthCheck, "Asks each instance, again and again, whether it serves."),
  timeouts: optional(
    refine(
      object({
        connect: optional(
          positiveDuration,
          "For a connection to be there; default: 2s.",
          "Envoy `connect_timeout`",
        ),
        ...timeoutFields,
      }),
      timeoutsFit,
    ),
    "How long is waited; a route's own timeouts win.",
  ),
});

export type TrafficPolicySpec = Infer<typeof trafficPolicySpec>;
