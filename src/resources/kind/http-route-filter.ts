/**
 * What a rule of an HTTPRoute does to requests and responses besides forwarding them.
 */
import { absolutePath, port, preciseHostname, text } from "../scalars.ts";
import {
  type Fields,
  type Infer,
  ignored,
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
import { backendFields, checkBackend } from "./http-route-backend.ts";
import { headerModifier } from "./http-route-headers.ts";
import { checkShare, shareFields } from "./share.ts";

const pathModifier = union({
  ReplaceFullPath: { replaceFullPath: required(absolutePath, "The new path.") },
  ReplacePrefixMatch: {
    replacePrefixMatch: required(
      text("a path that begins with / and has no ?, # or spaces, or nothing", {
        pattern: /^(?:\/[\x21\x22\x24-\x3e\x40-\x7e]*)?$/,
        max: 1024,
      }),
      "What stands in place of the prefix that matched. The rule must have one match, of type `PathPrefix`.",
    ),
  },
});

const mirror = refine(
  object({
    backendRef: required(refine(object(backendFields), checkBackend), "Who gets the copies."),
    ...shareFields("requests that are copied"),
  }),
  checkShare,
);

const NOT_SERVED = "Not served by this version: what the rule takes gets 500.";

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
        hostname: optional(preciseHostname, "Host of the new address; default: the request's."),
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
        hostname: optional(preciseHostname, "What the backend gets as Host."),
        path: optional(pathModifier, "What the backend gets as path."),
      }),
      "Changes to the address that the backend sees.",
    ),
  },
  RequestMirror: { requestMirror: required(mirror, "Sends a copy elsewhere; its answer is dropped.") },
  CORS: { cors: ignored(NOT_SERVED) },
  ExternalAuth: { externalAuth: ignored(NOT_SERVED) },
  ExtensionRef: { extensionRef: ignored(NOT_SERVED) },
} as const satisfies Readonly<Record<string, Fields>>;

/** Known to the Gateway API, not to Weft: such a filter must not be skipped, so what it stands in answers 500. */
const UNSERVED: ReadonlySet<string> = new Set(["CORS", "ExternalAuth", "ExtensionRef"]);
const SERVED_ON_BACKENDS: ReadonlySet<string> = new Set(["RequestHeaderModifier", "ResponseHeaderModifier"]);

export const httpRouteFilter = union(VARIANTS);

export type HttpRouteFilter = Infer<typeof httpRouteFilter>;

const filterList = refine(list(httpRouteFilter, { max: 16 }), (filters, say, warn) => {
  const single = filters.map((f) => (f.type === "RequestMirror" ? {} : { type: f.type }));
  reportRepeated<"type">(single, "type", say);
  const redirect = filters.findIndex((f) => f.type === "RequestRedirect");
  if (redirect >= 0 && filters.some((f) => f.type === "URLRewrite")) {
    say([redirect, "type"], "RequestRedirect must not stand beside URLRewrite", "one of the two");
  }
  for (const [i, { type }] of filters.entries()) {
    if (!UNSERVED.has(type)) continue;
    warn(
      [i, "type"],
      `${type} is not served by this version: what the rule takes gets 500`,
      "another filter",
    );
  }
});

/** The filters of a rule: each type once but for mirrors, and a redirect without a rewrite. */
export const httpRouteFilters = filterList;

/** The filters of a backend. */
export const httpRouteBackendFilters = refine(filterList, (filters, _say, warn) => {
  for (const [i, { type }] of filters.entries()) {
    if (SERVED_ON_BACKENDS.has(type) || UNSERVED.has(type)) continue;
    warn(
      [i, "type"],
      `${type} is not served on a backend: what the rule takes gets 500`,
      "RequestHeaderModifier or ResponseHeaderModifier",
    );
  }
});

/** Where in a list of filters a prefix is replaced. */
export function prefixReplacements(
  filters: readonly HttpRouteFilter[],
): readonly (readonly (string | number)[])[] {
  return filters.flatMap((filter, i) => {
    if (filter.type === "RequestRedirect" && filter.requestRedirect.path?.type === "ReplacePrefixMatch")
      return [[i, "requestRedirect", "path", "type"]];
    if (filter.type === "URLRewrite" && filter.urlRewrite.path?.type === "ReplacePrefixMatch")
      return [[i, "urlRewrite", "path", "type"]];
    return [];
  });
}
