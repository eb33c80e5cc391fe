/**
 * HTTPRoute (gateway.networking.k8s.io/v1): where requests to a Service go, as the Gateway API's GAMMA profile has it
 * (GEP-1294: routes hang on Services). Limits are the Gateway API's.
 */
import { metadataOf } from "../metadata.ts";
import { dnsName, hostname, integer, positiveDuration } from "../scalars.ts";
import { type Infer, list, object, optional, refine, required, withDefault } from "../schema.ts";
import { timeoutFields, timeoutsFit } from "../timeouts.ts";
import { reportRepeated } from "../unique.ts";
import { backendFields, checkBackend } from "./http-route-backend.ts";
import { httpRouteBackendFilters, httpRouteFilters, prefixReplacements } from "./http-route-filter.ts";
import { httpRouteMatch } from "./http-route-match.ts";
import { parentRefs } from "./route-parent.ts";

export const httpRouteMetadata = metadataOf(dnsName);

/** Most matches of all rules of a route together. */
const MAX_MATCHES = 128;

const backendRef = refine(
  object({
    ...backendFields,
    weight: withDefault(
      integer(0, 1_000_000),
      1,
      "Its share of the rule's requests, in proportion to the others'; 0: none.",
    ),
    filters: optional(httpRouteBackendFilters, "What happens to requests that go there."),
  }),
  checkBackend,
);

const timeouts = refine(object(timeoutFields), timeoutsFit);

const retry = object({
  codes: optional(
    list(integer(400, 599), { max: 32 }),
    "Statuses that are tried again, beside connections that fail.",
  ),
  attempts: optional(integer(0, 10), "Tries after the first; 0: none; default: the TrafficPolicy's, else 2."),
  backoff: optional(
    positiveDuration,
    "Base of the random delay before a try; default: the TrafficPolicy's, else 25ms.",
  ),
});

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
    retry: optional(retry, "What is tried again (GEP-1731).", "Istio `retries`, Envoy `retry_policy`"),
  }),
  ({ filters, backendRefs, matches }, say) => {
    const redirects = filters.some((f) => f.type === "RequestRedirect");
    if (redirects && backendRefs.length > 0) {
      say(["backendRefs"], "must be empty where a filter redirects", "no backends");
    }
    const [match] = matches;
    if (matches.length === 1 && (match?.path?.type ?? "PathPrefix") === "PathPrefix") return;
    const replaced = [
      ...prefixReplacements(filters).map((at) => ["filters", ...at]),
      ...backendRefs.flatMap((backend, i) =>
        prefixReplacements(backend.filters ?? []).map((at) => ["backendRefs", i, "filters", ...at]),
      ),
    ];
    for (const at of replaced) {
      say(at, "ReplacePrefixMatch needs exactly one match, of type PathPrefix", "ReplaceFullPath");
    }
  },
);

export const httpRouteSpec = object({
  parentRefs: required(parentRefs, "Services whose requests it routes."),
  hostnames: withDefault(
    refine(list(hostname, { max: 16 }), (hostnames, _say, warn) => {
      if (hostnames.length > 0)
        warn([], "are not used: the parents, which are Services, say which hosts", "nothing");
    }),
    [],
    "Not used: they belong to Gateways; the Services that are its parents say which hosts it has (GEP-1294).",
  ),
  rules: withDefault(
    refine(list(rule, { min: 1, max: 16 }), (rules, say) => {
      reportRepeated(rules, "name", say);
      const matches = rules.reduce((sum, { matches }) => sum + matches.length, 0);
      if (matches > MAX_MATCHES) {
        say(
          [],
          `must have at most ${MAX_MATCHES} matches in all, found ${matches}`,
          `at most ${MAX_MATCHES} matches`,
        );
      }
    }),
    [{}],
    "What happens to which requests. The most specific match wins, whatever the order.",
  ),
});

export type HttpRouteSpec = Infer<typeof httpRouteSpec>;
export type HttpRouteRule = HttpRouteSpec["rules"][number];
