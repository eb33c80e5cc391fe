/**
 * MeshConfig (weft.dev/v1alpha1): settings of the mesh as a whole. There is at most one, named `default`.
 */
import { metadataOf } from "../metadata.ts";
import { dnsName, duration, integer, text } from "../scalars.ts";
import { type Infer, object, oneOfValues, withDefault } from "../schema.ts";

export const meshConfigMetadata = metadataOf(text('"default"', { pattern: /^default$/, max: 7 }));

export const meshConfigSpec = object({
  trustDomain: withDefault(dnsName, "cluster.local", "First part of every identity (SPIFFE)."),
  clusterDomain: withDefault(dnsName, "cluster.local", "DNS suffix of Services."),
  outboundPolicy: withDefault(
    oneOfValues(["ALLOW_ANY", "REGISTRY_ONLY"]),
    "ALLOW_ANY",
    "Whether hosts that no Service has may be called.",
  ),
  discoveryTimeout: withDefault(
    duration,
    "1s",
    "How long the first request to a service waits for its configuration.",
  ),
  limits: withDefault(
    object({
      maxHeadBytes: withDefault(
        integer(1_024, 1_048_576),
        65_536,
        "Largest request or response head, in bytes.",
      ),
      maxHeaders: withDefault(integer(1, 10_000), 100, "Most header fields in a head."),
    }),
    {},
    "What is refused.",
  ),
  timeouts: withDefault(
    object({
      headers: withDefault(duration, "10s", "For a head to be complete, from its first byte."),
      streamIdle: withDefault(duration, "5m", "For an exchange without a byte in either direction."),
      connectionIdle: withDefault(duration, "1h", "For a connection without an exchange."),
    }),
    {},
    "How long is waited on every listener.",
  ),
  telemetry: withDefault(
    object({
      metricPrefix: withDefault(
        text("a metric's name: letters, digits and underscores", {
          pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
          max: 64,
        }),
        "istio",
        "Names of metrics begin with this.",
      ),
    }),
    {},
    "What is measured.",
  ),
});

export type MeshConfigSpec = Infer<typeof meshConfigSpec>;
