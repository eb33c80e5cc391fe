/**
 * TCPRoute (gateway.networking.k8s.io/v1): where connections to a port of a Service go whose bytes are not read as HTTP. One rule, as
 * the Gateway API has it.
 */
import { metadataOf } from "../metadata.ts";
import { dnsName, integer } from "../scalars.ts";
import { type Infer, list, object, optional, refine, required, withDefault } from "../schema.ts";
import { backendFields, checkBackend } from "./http-route-backend.ts";
import { parentRefs } from "./route-parent.ts";

export const tcpRouteMetadata = metadataOf(dnsName);

const backendRef = refine(
  object({
    ...backendFields,
    weight: withDefault(
      integer(0, 1_000_000),
      1,
      "Its share of the connections, in proportion to the others'; 0: none.",
    ),
  }),
  checkBackend,
);

const rule = object({
  name: optional(dnsName, "Name of the rule, for people."),
  backendRefs: required(
    list(backendRef, { min: 1, max: 16 }),
    "Services that get the connections, each its share; the share of one that cannot be resolved is closed.",
  ),
});

export const tcpRouteSpec = object({
  parentRefs: required(parentRefs, "Services whose connections it routes, on ports that do not speak HTTP."),
  rules: required(list(rule, { min: 1, max: 1 }), "What happens to the connections."),
});

export type TcpRouteSpec = Infer<typeof tcpRouteSpec>;
