/**
 * MeshConfig (weft.dev/v1alpha1): settings of the mesh as a whole. There is at most one, named `default`.
 */
import { metadataOf } from "../metadata.ts";
import { boolean, dnsName, duration, integer, positiveDuration, text } from "../scalars.ts";
import { type Infer, object, oneOfValues, optional, withDefault } from "../schema.ts";

export const meshConfigMetadata = metadataOf(text('"default"', { pattern: /^default$/, max: 7 }));

const limits = object({
  maxHeadBytes: withDefault(
    integer(1_024, 1_048_576, { unit: "bytes" }),
    65_536,
    "Largest request or response head.",
    "Envoy `max_request_headers_kb`",
  ),
  maxHeaders: withDefault(
    integer(1, 10_000),
    100,
    "Most header fields in a head.",
    "Envoy `max_headers_count`",
  ),
});

const timeouts = object({
  headers: withDefault(
    positiveDuration,
    "10s",
    "For a head to be complete, from its first byte.",
    "Envoy `request_headers_timeout`",
  ),
  streamIdle: withDefault(
    positiveDuration,
    "5m",
    "For an exchange without a byte in either direction.",
    "Envoy `stream_idle_timeout`",
  ),
  connectionIdle: withDefault(
    positiveDuration,
    "1h",
    "For a connection without an exchange.",
    "Envoy `idle_timeout`",
  ),
});

const telemetry = object({
  metricPrefix: withDefault(
    text("a metric's name: letters, digits and underscores", {
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      max: 64,
    }),
    "istio",
    "Names of metrics begin with this.",
  ),
});

const authorization = object({
  exposeDenials: withDefault(
    boolean,
    false,
    "Whether `x-weft-error` of a refusal names the policy and the rule: a help for its clients, and for attackers.",
  ),
});

const overload = object({
  loopDelay: optional(
    positiveDuration,
    "A traffic loop that is so late refuses `sheddable` requests, one that is twice as late `default` ones too; default: none does.",
    "Envoy overload manager",
  ),
  memory: optional(
    integer(1, 99, { unit: "%" }),
    "A sidecar that has so much of its memory limit refuses `sheddable` requests, half-way from there to the limit `default` ones too; default: none does.",
    "Envoy `fixed_heap`",
  ),
});

export const meshConfigSpec = object({
  trustDomain: optional(
    dnsName,
    "First part of every identity (SPIFFE); default: `--trust-domain` of the control plane, `cluster.local`.",
    "Istio `meshConfig.trustDomain`",
  ),
  clusterDomain: withDefault(
    dnsName,
    "cluster.local",
    "DNS suffix of Services.",
    "Istio `global.proxy.clusterDomain`",
  ),
  outboundPolicy: withDefault(
    oneOfValues(["ALLOW_ANY", "REGISTRY_ONLY"]),
    "ALLOW_ANY",
    "Whether hosts that no Service has may be called.",
    "Istio `outboundTrafficPolicy.mode`",
  ),
  discoveryTimeout: withDefault(
    duration,
    "1s",
    "How long the first request to a service waits for its configuration; `0s`: not at all.",
    "Envoy on-demand discovery `timeout`",
  ),
  defaultDeny: withDefault(
    boolean,
    false,
    "Whether workloads without an AuthorizationPolicy that allows take nothing.",
    "Linkerd `defaultInboundPolicy: deny`",
  ),
  authorization: withDefault(authorization, {}, "What becomes of refused requests."),
  limits: withDefault(limits, {}, "What is refused."),
  timeouts: withDefault(timeouts, {}, "How long is waited on every listener."),
  overload: withDefault(overload, {}, "When sidecars refuse what they could not answer in time."),
  telemetry: withDefault(telemetry, {}, "What is measured."),
});

export type MeshConfigSpec = Infer<typeof meshConfigSpec>;
