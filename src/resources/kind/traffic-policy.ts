/**
 * TrafficPolicy (weft.dev/v1alpha1): how clients' sidecars treat a Service: which instance they choose, which
 * connections they keep, how long they wait. What a DestinationRule is in Istio.
 */
import { metadataOf } from "../metadata.ts";
import { anyText, boolean, dnsLabel, dnsName, headerName, positiveDuration, text } from "../scalars.ts";
import { type Infer, object, oneOfValues, optional, refine, required, withDefault } from "../schema.ts";
import { timeoutFields, timeoutsFit } from "../timeouts.ts";

const cookieName = text("a cookie's name", { pattern: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, max: 256 });

export const trafficPolicyMetadata = metadataOf(dnsName);

const hash = refine(
  object({
    header: optional(headerName, "The header of this name.", "Istio `httpHeaderName`"),
    cookie: optional(cookieName, "The cookie of this name.", "Istio `httpCookie.name`"),
    query: optional(anyText, "The first parameter of this name.", "Istio `httpQueryParameterName`"),
    sourceAddress: optional(boolean, "`true`: the client's address.", "Istio `useSourceIp`"),
  }),
  ({ header, cookie, query, sourceAddress }, say) => {
    const named = [header, cookie, query, sourceAddress === true || undefined].filter(
      (one) => one !== undefined,
    );
    if (named.length !== 1)
      say([], `names ${named.length} things`, "one of header, cookie, query and sourceAddress");
  },
);

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
    refine(
      object({
        policy: withDefault(
          oneOfValues(["leastRequest", "roundRobin", "random", "peakEwma", "ringHash", "maglev"]),
          "leastRequest",
          "How an instance is chosen: `leastRequest` takes the less busy of two random ones, `peakEwma` the one that is expected to answer sooner, `ringHash` and `maglev` the one to which the request's hash belongs.",
          "Envoy `lb_policy`, Istio `loadBalancer.simple`",
        ),
        hash: optional(
          hash,
          "What makes requests go to the same instance; for `ringHash` and `maglev`.",
          "Istio `consistentHash`",
        ),
      }),
      ({ policy, hash: of }, say) => {
        const isHashed = policy === "ringHash" || policy === "maglev";
        if (of !== undefined && !isHashed) say(["hash"], "is for ringHash and maglev", "another policy");
        if (of === undefined && isHashed) say(["hash"], `is required for ${policy}`, "what is hashed");
      },
    ),
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
