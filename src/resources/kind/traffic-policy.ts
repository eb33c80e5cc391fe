/**
 * TrafficPolicy (weft.dev/v1alpha1): how clients' sidecars treat a Service: which instance they choose, which
 * connections they keep, how long they wait. What a DestinationRule is in Istio.
 */
import { metadataOf } from "../metadata.ts";
import { dnsLabel, dnsName, positiveDuration } from "../scalars.ts";
import { type Infer, object, oneOfValues, optional, refine, required, withDefault } from "../schema.ts";
import { timeoutFields, timeoutsFit } from "../timeouts.ts";

export const trafficPolicyMetadata = metadataOf(dnsName);

export const trafficPolicySpec = object({
  targetRef: required(
    object({
      group: withDefault(oneOfValues([""]), "", "API group of the target."),
      kind: withDefault(oneOfValues(["Service"]), "Service", "Kind of the target."),
      name: required(dnsLabel, "Name of the target, in the policy's own namespace."),
    }),
    "The Service whose clients it concerns.",
    "Istio DestinationRule `host`",
  ),
  loadBalancer: optional(
    object({
      policy: withDefault(
        oneOfValues(["leastRequest", "roundRobin", "random"]),
        "leastRequest",
        "How an instance is chosen; `leastRequest` takes the less busy of two random ones.",
        "Envoy `lb_policy`, Istio `loadBalancer.simple`",
      ),
    }),
    "Which instance gets a request.",
  ),
  connectionPool: optional(
    object({
      idleTimeout: optional(
        positiveDuration,
        "A connection without requests is closed after this long; default: 1h.",
        "Envoy `idle_timeout`",
      ),
    }),
    "Connections to instances.",
  ),
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
