/**
 * FaultInjection (weft.dev/v1alpha1): what goes wrong, on purpose, for clients of a Service. Their sidecars do it, so that
 * retries, timeouts and hedging see it as they would see the Service fail. What `fault` is in Istio and MeshFaultInjection in Kuma.
 */
import { atLeastOne, notBoth } from "../cel.ts";
import { metadataOf } from "../metadata.ts";
import { dnsName } from "../scalars.ts";
import { type Infer, list, object, optional, refine, required } from "../schema.ts";
import { reportRepeated } from "../unique.ts";
import { abort, delay, slowBody } from "./fault-injection-effect.ts";
import { faultSources } from "./fault-injection-source.ts";
import { httpRouteMatch } from "./http-route-match.ts";
import { serviceTarget } from "./service-target.ts";
import { checkShare, shareFields } from "./share.ts";

export const faultInjectionMetadata = metadataOf(dnsName);

const fault = refine(
  object({
    name: optional(dnsName, "Name of the fault, for people; clients that it aborts are told."),
    match: optional(
      list(httpRouteMatch, { min: 1, max: 16 }),
      "Requests that it may befall: those for which any of these holds; absent: all.",
    ),
    routes: optional(
      list(dnsName, { min: 1, max: 32 }),
      "HTTPRoutes, of the same namespace, whose requests it may befall; absent: all requests.",
    ),
    from: optional(
      faultSources,
      "Clients that it may befall: those for which any of these holds; absent: all.",
    ),
    ...shareFields("the tries that it befalls", "Istio `percentage`"),
    delay: optional(delay, "The try is held back.", "Istio `fault.delay`, Kuma `delay`"),
    abort: optional(
      abort,
      "The try never leaves; comes after the delay.",
      "Istio `fault.abort`, Kuma `abort`",
    ),
    slowBody: optional(slowBody, "The response's body trickles."),
  }),
  (value, say) => {
    checkShare(value, say);
    const { delay, abort, slowBody } = value;
    if (delay === undefined && abort === undefined && slowBody === undefined)
      say([], "does nothing", "delay, abort or slowBody");
    if (abort !== undefined && slowBody !== undefined)
      say(["slowBody"], "must not stand beside abort, which leaves no body", "abort or slowBody");
  },
  notBoth("percent", "fraction"),
  notBoth("abort", "slowBody"),
  atLeastOne("delay", "abort", "slowBody"),
);

export const faultInjectionSpec = object({
  targetRef: required(
    serviceTarget,
    "The Service whose clients it concerns: the one they call, whatever its routes then make of it.",
    "Kuma `targetRef`",
  ),
  faults: required(
    refine(list(fault, { min: 1, max: 32 }), (faults, say) => reportRepeated(faults, "name", say)),
    "One after the other, each by its own share: delays add up, the first abort is the end.",
  ),
});

export type FaultInjectionSpec = Infer<typeof faultInjectionSpec>;
export type FaultSpec = FaultInjectionSpec["faults"][number];
