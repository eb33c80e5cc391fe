/**
 * HTTPRoute (gateway.networking.k8s.io/v1): where requests to a Service go, as the Gateway API's GAMMA profile has it
 * (GEP-1294: routes hang on Services). Limits are the Gateway API's.
 */
import { metadataOf } from "../metadata.ts";
import { dnsLabel, dnsName, duration, hostname, integer, port } from "../scalars.ts";
import { type Infer, list, object, oneOfValues, optional, refine, required, withDefault } from "../schema.ts";
import { reportRepeated } from "../unique.ts";
import { backendFields, httpRouteFilters } from "./http-route-filter.ts";
import { httpRouteMatch } from "./http-route-match.ts";

export const httpRouteMetadata = metadataOf(dnsName);

const parentRef = object({
  group: withDefault(
    oneOfValues([""]),
    "",
    'API group of the parent: `""` as for Services. (The Gateway API\'s own default is for Gateways.)',
  ),
  kind: withDefault(oneOfValues(["Service"]), "Service", "Kind of the parent."),
  name: required(dnsLabel, "Name of the Service."),
  namespace: optional(
    dnsLabel,
    "Its namespace; default: the route's. Another one makes it a consumer route, for clients of the route's namespace.",
  ),
  port: optional(port, "The Service's port; default: all of them."),
});

const backendRef = object({
  ...backendFields,
  weight: withDefault(integer(0, 1_000_000), 1, "Its share of the rule's requests."),
  filters: optional(httpRouteFilters, "What happens to requests that go there."),
});

const timeouts = refine(
  object({
    request: optional(duration, "For the whole exchange, retries included; `0s`: none."),
    backendRequest: optional(duration, "For one attempt; `0s`: none."),
  }),
  ({ request, backendRequest }, say) => {
    if (request && backendRequest && backendRequest > request) {
      say(["backendRequest"], "must not be longer than request", "at most the value of request");
    }
  },
);

const rule = refine(
  object({
    name: optional(dnsName, "Name of the rule, for people."),
    matches: withDefault(
      list(httpRouteMatch, { max: 64 }),
      [{ path: { type: "PathPrefix", value: "/" } }],
      "Requests that it takes: those for which any of these holds.",
    ),
    filters: withDefault(httpRouteFilters, [], "What happens to requests and responses."),
    backendRefs: withDefault(
      list(backendRef, { max: 16 }),
      [],
      "Services that get the requests, each its share; none: 500, unless a filter answers.",
    ),
    timeouts: optional(timeouts, "How long is waited."),
  }),
  ({ filters, backendRefs, matches }, say) => {
    const redirects = filters.some((f) => f.type === "RequestRedirect");
    if (redirects && backendRefs.length > 0) {
      say(["backendRefs"], "must be empty where a filter redirects", "no backends");
    }
    const prefixOnly = matches.every((m) => (m.path?.type ?? "PathPrefix") === "PathPrefix");
    for (const [i, filter] of filters.entries()) {
      const [name, path] =
        filter.type === "RequestRedirect"
          ? ["requestRedirect", filter.requestRedirect.path]
          : filter.type === "URLRewrite"
            ? ["urlRewrite", filter.urlRewrite.path]
            : ["", undefined];
      if (path?.type === "ReplacePrefixMatch" && !prefixOnly) {
        say(
          ["filters", i, name, "path", "type"],
          "ReplacePrefixMatch needs matches of type PathPrefix",
          "ReplaceFullPath",
        );
      }
    }
  },
);

export const httpRouteSpec = object({
  parentRefs: required(list(parentRef, { min: 1, max: 32 }), "Services whose requests it routes."),
  hostnames: withDefault(
    list(hostname, { max: 16 }),
    [],
    "Not used for routes of Services, as GAMMA has it.",
  ),
  rules: withDefault(
    refine(list(rule, { min: 1, max: 16 }), (rules, say) => reportRepeated(rules, "name", say)),
    [{}],
    "What happens to which requests. The most specific match wins, whatever the order.",
  ),
});

export type HttpRouteSpec = Infer<typeof httpRouteSpec>;
export type HttpRouteRule = HttpRouteSpec["rules"][number];
export type HttpRouteParentRef = HttpRouteSpec["parentRefs"][number];
export type HttpRouteBackendRef = HttpRouteRule["backendRefs"][number];
