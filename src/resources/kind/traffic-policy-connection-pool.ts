/** TrafficPolicy `connectionPool` and `adaptiveConcurrency`: how much goes on at once, and how connections are kept. */
import { duration, integer, positiveDuration } from "../scalars.ts";
import { object, optional, withDefault } from "../schema.ts";

const most = integer(1, 4_294_967_295);

export const connectionPool = object({
  idleTimeout: optional(
    positiveDuration,
    "A connection without requests is closed after this long; default: 1h.",
    "Envoy `idle_timeout`",
  ),
  maxConnections: withDefault(
    most,
    1_024,
    "Connections of one traffic loop to all instances; beyond, requests wait for one.",
    "Istio `maxConnections`, Envoy `max_connections`",
  ),
  maxPendingRequests: withDefault(
    most,
    1_024,
    "Requests that wait for a connection; beyond, they are refused with 503 at once.",
    "Istio `http1MaxPendingRequests`, Envoy `max_pending_requests`",
  ),
  maxRequests: withDefault(
    most,
    1_024,
    "Requests under way; beyond, they are refused with 503 at once.",
    "Istio `http2MaxRequests`, Envoy `max_requests`",
  ),
  maxRetries: optional(
    integer(0, 4_294_967_295),
    "Retries under way, in place of the `retryBudget`; Envoy has 3.",
    "Envoy and Istio `max_retries`",
  ),
  maxRequestsPerConnection: withDefault(
    integer(0, 4_294_967_295),
    0,
    "Requests after which a connection is replaced; 0: any number.",
    "Istio `maxRequestsPerConnection`",
  ),
  maxConnectionAge: withDefault(
    duration,
    "0s",
    "Age at which a connection is replaced, up to a tenth earlier at random; `0s`: any age.",
    "Istio `maxConnectionDuration`",
  ),
  keepalive: withDefault(
    duration,
    "0s",
    "A connection that has been silent for so long is probed by the system; `0s`: never.",
    "Istio `tcpKeepalive.time`",
  ),
  prewarm: withDefault(
    integer(0, 100),
    0,
    "Connections that are opened to an instance when it appears, before a request needs one.",
    "Envoy `preconnect_policy`",
  ),
});

export const adaptiveConcurrency = object({
  updateInterval: withDefault(
    positiveDuration,
    "100ms",
    "How often the limit is set anew.",
    "Envoy `concurrency_update_interval`",
  ),
  minRttInterval: withDefault(
    positiveDuration,
    "60s",
    "How often the least latency is measured, give or take 15 %.",
    "Envoy `min_rtt_calc_params.interval`",
  ),
  minRttRequests: withDefault(integer(1, 10_000), 50, "Requests that measure it.", "Envoy `request_count`"),
  minConcurrency: withDefault(
    integer(1, 10_000),
    3,
    "Requests under way while it is measured.",
    "Envoy `min_concurrency`",
  ),
  buffer: withDefault(
    integer(0, 100, { unit: "%" }),
    25,
    "So much may latency grow before the limit shrinks.",
    "Envoy `buffer`",
  ),
  maxConcurrency: withDefault(
    integer(1, 1_000_000),
    1_000,
    "The highest limit.",
    "Envoy `max_concurrency_limit`",
  ),
});
