/**
 * Why Weft, not the application, ended an exchange: one row per cause gives everything users see of it. Flags are Envoy's
 * (access log and `response_flags`); docs/reference/causes.md lists the same rows, and a test keeps the two equal.
 */

export interface Cause {
  /** Anchor in docs/reference/causes.md and field of the JSON body. */
  readonly code: string;
  /** Envoy's letters. */
  readonly flag: string;
  /** Answered when no response has begun; 0 where nobody is left to answer. */
  readonly status: number;
  /** Whose doing it was. */
  readonly side: "downstream" | "upstream" | "weft";
  /** The connection is closed after the answer. */
  readonly closes: boolean;
  /** For a person, with the way out. */
  readonly text: string;
}

export const CAUSES = [
  {
    code: "bad_request",
    flag: "DPE",
    status: 400,
    side: "downstream",
    closes: true,
    text: "the request is not valid HTTP/1.1 (RFC 9112)",
  },
  {
    code: "head_timeout",
    flag: "DPE",
    status: 408,
    side: "downstream",
    closes: true,
    text: "the request head was not complete in time; see MeshConfig timeouts.headers",
  },
  {
    code: "target_too_long",
    flag: "DPE",
    status: 414,
    side: "downstream",
    closes: true,
    text: "the request target exceeds MeshConfig limits.maxHeadBytes",
  },
  {
    code: "expectation_failed",
    flag: "DPE",
    status: 417,
    side: "downstream",
    closes: true,
    text: "Expect may hold 100-continue only",
  },
  {
    code: "head_too_large",
    flag: "DPE",
    status: 431,
    side: "downstream",
    closes: true,
    text: "the request head exceeds MeshConfig limits.maxHeadBytes or limits.maxHeaders",
  },
  {
    code: "coding_not_implemented",
    flag: "DPE",
    status: 501,
    side: "downstream",
    closes: true,
    text: "the only transfer coding is chunked, and methods have at most 32 letters",
  },
  {
    code: "version_not_supported",
    flag: "DPE",
    status: 505,
    side: "downstream",
    closes: true,
    text: "this port speaks HTTP/1.1 and HTTP/1.0",
  },
  {
    code: "connect_not_allowed",
    flag: "NR",
    status: 405,
    side: "downstream",
    closes: true,
    text: "CONNECT is for the outbound port, and between sidecars for ports that do not speak HTTP",
  },
  {
    code: "mutual_tls_required",
    flag: "UAEX",
    status: 403,
    side: "weft",
    closes: false,
    text: "a PeerAuthentication asks for mutual TLS here, and the client speaks plaintext",
  },
  {
    code: "client_expired",
    flag: "UAEX",
    status: 403,
    side: "downstream",
    closes: true,
    text: "the client's certificate, or this sidecar's own, has expired since the connection began",
  },
  {
    code: "invalid_token",
    flag: "UAEX",
    status: 401,
    side: "weft",
    closes: false,
    text: "the request's token is not accepted",
  },
  {
    code: "access_denied",
    flag: "UAEX",
    status: 403,
    side: "weft",
    closes: false,
    text: "RBAC: access denied",
  },
  {
    code: "ambiguous_path",
    flag: "DPE",
    status: 400,
    side: "downstream",
    closes: true,
    text: "a policy decides by the path, and this one different readers take for different ones (%2F, %5C, %00, ..;)",
  },
  {
    code: "rate_limited",
    flag: "RL",
    status: 429,
    side: "weft",
    closes: false,
    text: "more requests than a RateLimit lets pass; Retry-After says when to come again",
  },
  {
    code: "no_policy",
    flag: "UAEX",
    status: 503,
    side: "weft",
    closes: false,
    text: "this sidecar has not been told yet who may send what",
  },
  {
    code: "no_route",
    flag: "NR",
    status: 404,
    side: "weft",
    closes: false,
    text: "the Service has routes and none of their rules matches",
  },
  {
    code: "unusable_rule",
    flag: "NR",
    status: 500,
    side: "weft",
    closes: false,
    text: "the rule that matched cannot be served; `weft validate` says why",
  },
  {
    code: "dangling_backend",
    flag: "NC",
    status: 500,
    side: "weft",
    closes: false,
    text: "the rule's backend does not exist; `weft validate` names the reference",
  },
  {
    code: "no_cluster",
    flag: "NC",
    status: 503,
    side: "weft",
    closes: false,
    text: "the backend's configuration has not arrived",
  },
  {
    code: "no_service",
    flag: "NC",
    status: 502,
    side: "weft",
    closes: false,
    text: "no Service has this name, and MeshConfig outboundPolicy is REGISTRY_ONLY",
  },
  {
    code: "discovery_timeout",
    flag: "NC",
    status: 503,
    side: "weft",
    closes: false,
    text: "the control plane did not answer in MeshConfig discoveryTimeout",
  },
  {
    code: "zero_weights",
    flag: "UH",
    status: 503,
    side: "weft",
    closes: false,
    text: "all backends of the rule have weight 0",
  },
  {
    code: "no_endpoint",
    flag: "UH",
    status: 503,
    side: "upstream",
    closes: false,
    text: "the Service has no endpoint that may take requests",
  },
  {
    code: "overflow",
    flag: "UO",
    status: 503,
    side: "weft",
    closes: false,
    text: "as much is under way to the Service as TrafficPolicy connectionPool allows",
  },
  {
    code: "overloaded",
    flag: "OM",
    status: 503,
    side: "weft",
    closes: false,
    text: "this sidecar has more than it can take; see MeshConfig overload",
  },
  {
    code: "deadline_passed",
    flag: "DT",
    status: 504,
    side: "weft",
    closes: false,
    text: "the client no longer waits: its deadline has passed before the request could be forwarded",
  },
  {
    code: "loop_detected",
    flag: "NR",
    status: 508,
    side: "downstream",
    closes: true,
    text: "the request leads back to a port of this sidecar",
  },
  {
    code: "connect_failure",
    flag: "UF",
    status: 503,
    side: "upstream",
    closes: false,
    text: "no connection to the endpoint: refused, unreachable or unresolved",
  },
  {
    code: "connect_timeout",
    flag: "UF",
    status: 503,
    side: "upstream",
    closes: false,
    text: "no connection to the endpoint in TrafficPolicy timeouts.connect",
  },
  {
    code: "peer_refused",
    flag: "UF",
    status: 503,
    side: "upstream",
    closes: false,
    text: "who answered is not the endpoint's workload, or could not prove it",
  },
  {
    code: "tls_failure",
    flag: "UF",
    status: 503,
    side: "upstream",
    closes: false,
    text: "no mutual TLS with the endpoint",
  },
  {
    code: "tunnel_refused",
    flag: "UF",
    status: 503,
    side: "upstream",
    closes: false,
    text: "the endpoint's sidecar did not connect to its application",
  },
  {
    code: "upstream_closed",
    flag: "UC",
    status: 503,
    side: "upstream",
    closes: false,
    text: "the endpoint closed the connection before its response was complete",
  },
  {
    code: "upstream_malformed",
    flag: "UPE",
    status: 502,
    side: "upstream",
    closes: false,
    text: "the endpoint's response is not valid HTTP/1.1",
  },
  {
    code: "fault_abort",
    flag: "FI",
    status: 503,
    side: "weft",
    closes: false,
    text: "a FaultInjection aborts such requests, with the status that it says",
  },
  {
    code: "request_timeout",
    flag: "UT",
    status: 504,
    side: "upstream",
    closes: false,
    text: "no complete response in the route's timeouts.request",
  },
  {
    code: "attempt_timeout",
    flag: "UT",
    status: 504,
    side: "upstream",
    closes: false,
    text: "no complete response in the route's timeouts.backendRequest or TrafficPolicy retry.perTryTimeout",
  },
  {
    code: "stream_idle",
    flag: "UT",
    status: 504,
    side: "upstream",
    closes: false,
    text: "no byte in either direction for MeshConfig timeouts.streamIdle",
  },
  {
    code: "downstream_closed",
    flag: "DC",
    status: 0,
    side: "downstream",
    closes: true,
    text: "the client went away",
  },
  {
    code: "internal",
    flag: "NR",
    status: 500,
    side: "weft",
    closes: true,
    text: "a fault of Weft's own; please report it",
  },
] as const satisfies readonly Cause[];

export type CauseCode = (typeof CAUSES)[number]["code"];

const BY_CODE = new Map<string, Cause>(CAUSES.map((cause) => [cause.code, cause]));

export function causeOf(code: CauseCode): Cause {
  return BY_CODE.get(code) ?? CAUSES[CAUSES.length - 1]!;
}

/** The cause for a fault of the codec (http1/fault.ts, as a status). */
export function codecCause(status: number): CauseCode {
  switch (status) {
    case 414:
      return "target_too_long";
    case 417:
      return "expectation_failed";
    case 431:
      return "head_too_large";
    case 501:
      return "coding_not_implemented";
    case 505:
      return "version_not_supported";
    default:
      return "bad_request";
  }
}
