/**
 * TrafficPolicy (weft.dev/v1alpha1): how clients' sidecars treat a Service: which instance they choose, which
 * connections they keep, how long they wait. What a DestinationRule is in Istio.
 */
import { metadataOf } from "../metadata.ts";
import { dnsLabel, dnsName, duration } from "../scalars.ts";
import { type Infer, object, oneOfValues, optional, required, withDefault } from "../schema.ts";

export const trafficPolicyMetadata = metadataOf(dnsName);

export const trafficPolicySpec = object({
  targetRef: required(
    object({
      group: withDefault(oneOfValues([""]), "", "API group of the target."),
      kind: withDefault(oneOfValues(["Service"]), "Service", "Kind of the target."),
      name: required(dnsLabel, "Name of the target, in the policy's own namespace."),
    }),
    "The Service whose clients it concerns.",
  ),
  loadBalancer: optional(
    object({
      policy: withDefault(
        oneOfValues(["leastRequest", "roundRobin", "random"]),
        "leastRequest",
        "How an instance is chosen; `leastRequest` takes the less busy of two random ones.",
      ),
    }),
    "Which instance gets a request.",
  ),
  connectionPool: optional(
    object({ idleTimeout: optional(duration, "A connection without requests is closed after this long.") }),
    "Connections to instances.",
  ),
  timeouts: optional(
    object({
      connect: optional(duration, "For a connection to be there."),
      request: optional(duration, "For the whole exchange, retries included; `0s`: none."),
      backendRequest: optional(duration, "For one attempt; `0s`: none."),
    }),
    "How long is waited; a route's own timeouts win.",
  ),
});

export type TrafficPolicySpec = Infer<typeof trafficPolicySpec>;
