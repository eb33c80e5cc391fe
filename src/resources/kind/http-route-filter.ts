/**
 * What a rule of an HTTPRoute does to requests and responses besides forwarding them.
 */
import { absolutePath, dnsLabel, headerName, headerValue, hostname, integer, port } from "../scalars.ts";
import {
  type Fields,
  type Infer,
  list,
  object,
  oneOfValues,
  optional,
  refine,
  required,
  union,
  withDefault,
} from "../schema.ts";
import { reportRepeated } from "../unique.ts";

const headerValues = refine(
  list(object({ name: required(headerName, "The header."), value: required(headerValue, "Its value.") }), {
    max: 16,
  }),
  (values, say) => reportRepeated(values, "name", say),
);

const headerModifier = object({
  set: optional(headerValues, "Headers that replace those of the same name."),
  add: optional(headerValues, "Headers that come on top."),
  remove: optional(list(headerName, { max: 16 }), "Headers that go."),
});

const pathModifier = union({
  ReplaceFullPath: { replaceFullPath: required(absolutePath, "The new path.") },
  ReplacePrefixMatch: {
    replacePrefixMatch: required(absolutePath, "What stands in place of the prefix that matched."),
  },
});

/** A Service that something is sent to. */
export const backendFields = {
  group: withDefault(oneOfValues([""]), "", "API group of the backend."),
  kind: withDefault(oneOfValues(["Service"]), "Service", "Kind of the backend."),
  name: required(dnsLabel, "Name of the Service."),
  namespace: optional(dnsLabel, "Its namespace; default: the route's."),
  port: required(port, "Its port."),
} as const satisfies Fields;

const mirror = refine(
  object({
    backendRef: required(object(backendFields), "Who gets the copies."),
    percent: optional(integer(0, 100), "Share of requests that are copied, in percent; default: all."),
    fraction: optional(
      refine(
        object({
          numerator: required(integer(0, 1_000_000_000), "So many …"),
          denominator: withDefault(integer(1, 1_000_000_000), 100, "… of so many."),
        }),
        ({ numerator, denominator }, say) => {
          if (numerator > denominator) {
            say(
              ["numerator"],
              `must not be greater than the denominator, ${denominator}`,
              `at most ${denominator}`,
            );
          }
        },
      ),
      "Share of requests that are copied, as a fraction.",
    ),
  }),
  ({ percent, fraction }, say) => {
    if (percent !== undefined && fraction !== undefined) {
      say(["fraction"], "must not stand beside percent", "percent or fraction, not both");
    }
  },
);

const VARIANTS = {
  RequestHeaderModifier: {
    requestHeaderModifier: required(headerModifier, "Changes to the request's head."),
  },
  ResponseHeaderModifier: {
    responseHeaderModifier: required(headerModifier, "Changes to the response's head."),
  },
  RequestRedirect: {
    requestRedirect: required(
      object({
        scheme: optional(
          oneOfValues(["http", "https"]),
          "Scheme of the new address; default: the request's.",
        ),
        hostname: optional(hostname, "Host of the new address; default: the request's."),
        path: optional(pathModifier, "Path of the new address; default: the request's."),
        port: optional(port, "Port of the new address; default: the scheme's, or the listener's."),
        statusCode: withDefault(oneOfValues([301, 302, 303, 307, 308]), 302, "Status of the answer."),
      }),
      "Answers with another address instead of forwarding.",
    ),
  },
  URLRewrite: {
    urlRewrite: required(
      object({
        hostname: optional(hostname, "What the backend gets as Host."),
        path: optional(pathModifier, "What the backend gets as path."),
      }),
      "Changes to the address that the backend sees.",
    ),
  },
  RequestMirror: { requestMirror: required(mirror, "Sends a copy elsewhere; its answer is dropped.") },
} as const satisfies Readonly<Record<string, Fields>>;

export const httpRouteFilter = union(VARIANTS);

export type HttpRouteFilter = Infer<typeof httpRouteFilter>;
export type HeaderModifierSpec = Infer<typeof headerModifier>;
export type PathModifierSpec = Infer<typeof pathModifier>;
export type RequestRedirectSpec = Extract<HttpRouteFilter, { type: "RequestRedirect" }>["requestRedirect"];
export type UrlRewriteSpec = Extract<HttpRouteFilter, { type: "URLRewrite" }>["urlRewrite"];
export type RequestMirrorSpec = Extract<HttpRouteFilter, { type: "RequestMirror" }>["requestMirror"];

/** The filters of one rule or backend: each type once but for mirrors, and a redirect without a rewrite. */
export const httpRouteFilters = refine(list(httpRouteFilter, { max: 16 }), (filters, say) => {
  const single = filters.map((f) => (f.type === "RequestMirror" ? {} : { type: f.type }));
  reportRepeated<"type">(single, "type", say);
  const redirect = filters.findIndex((f) => f.type === "RequestRedirect");
  if (redirect >= 0 && filters.some((f) => f.type === "URLRewrite")) {
    say([redirect, "type"], "RequestRedirect must not stand beside URLRewrite", "one of the two");
  }
});
