/**
 * RateLimit (weft.dev/v1alpha1): how many requests a Service's workloads take, counted in their sidecars. A limit is a token
 * bucket, or one for each value of its key. What other meshes leave to proxy patches and a Redis.
 */
import { exactlyOne } from "../cel.ts";
import { metadataOf } from "../metadata.ts";
import {
  absolutePath,
  boolean,
  dnsLabel,
  dnsName,
  headerName,
  integer,
  positiveDuration,
} from "../scalars.ts";
import {
  type Infer,
  list,
  object,
  oneOfValues,
  optional,
  refine,
  required,
  type Schema,
  withDefault,
} from "../schema.ts";
import { reportRepeated } from "../unique.ts";
import { httpRouteMatch } from "./http-route-match.ts";

export const rateLimitMetadata = metadataOf(dnsName);

const MOST = 1_000_000_000;

const pathTemplate: Schema<string> = refine(absolutePath, (template, say) => {
  const segments = template.slice(1).split("/");
  if (!segments.some((segment) => VARIABLE.test(segment))) {
    say([], "names no segment, such as {id}", "a path with a {name}");
  }
  if (segments.some((segment) => /[{}]/.test(segment) && !VARIABLE.test(segment))) {
    say([], "has braces that are not around a whole segment", "/users/{id}");
  }
});

const VARIABLE = /^\{[A-Za-z_][A-Za-z0-9_]*\}$/;

const key = refine(
  object({
    identity: optional(boolean, "`true`: who the caller has proven to be by mutual TLS."),
    header: optional(headerName, "The header of this name."),
    pathTemplate: optional(
      pathTemplate,
      "What stands in the path in place of `{name}`: `/users/{id}` takes `7` of `/users/7/orders`.",
    ),
    sourceAddress: optional(boolean, "`true`: the caller's address; of IPv6 its first 64 bits."),
  }),
  ({ identity, header, pathTemplate, sourceAddress }, say) => {
    const flags = [identity, sourceAddress].map((flag) => (flag === true ? true : undefined));
    const named = [...flags, header, pathTemplate].filter((one) => one !== undefined).length;
    const expected = "one of identity, header, pathTemplate and sourceAddress";
    if (named !== 1) say([], `names ${named} things`, expected);
  },
  exactlyOne(["header", "pathTemplate"], ["identity", "sourceAddress"]),
);

const limit = object({
  name: optional(dnsLabel, "What headers and metrics call it; default: its place in the list, from 0."),
  match: optional(
    list(httpRouteMatch, { min: 1, max: 64 }),
    "Requests that it counts: those that any of these takes; absent: every one.",
  ),
  requests: required(integer(1, MOST), "How many requests it lets pass", "Envoy `tokens_per_fill`"),
  per: required(positiveDuration, "in this time.", "Envoy `fill_interval`"),
  burst: optional(
    integer(1, MOST),
    "How many may come at once after a pause; default: `requests`.",
    "Envoy `max_tokens`",
  ),
  key: optional(
    list(key, { min: 1, max: 8 }),
    "What has a bucket of its own: each combination of these. A request without one of them has the empty value. Absent: all requests share one bucket.",
    "Envoy `descriptors`",
  ),
  scope: withDefault(
    oneOfValues(["sidecar", "mesh"]),
    "sidecar",
    "`sidecar`: each instance has the whole limit; `mesh`: all instances keep it together.",
  ),
});

export const rateLimitSpec = object({
  targetRef: required(
    object({
      group: withDefault(oneOfValues([""]), "", "API group of the target."),
      kind: withDefault(oneOfValues(["Service"]), "Service", "Kind of the target."),
      name: required(dnsLabel, "Name of the target, in the RateLimit's own namespace."),
    }),
    "The Service whose workloads it protects: all requests to the ports behind it count, whatever Host they name. Several RateLimits for one Service all hold.",
  ),
  limits: required(
    refine(list(limit, { min: 1, max: 64 }), (limits, say) =>
      reportRepeated(
        limits.map(({ name }, i) => ({ name: name ?? String(i) })),
        "name",
        say,
      ),
    ),
    "A request passes if all that count it let it pass.",
  ),
});

export type RateLimitSpec = Infer<typeof rateLimitSpec>;
