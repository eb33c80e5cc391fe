/**
 * Active health checks of a TrafficPolicy: what each client's sidecar asks of the Service's instances, how often, and how many
 * answers in a row change its mind. Names and meaning are Envoy's `health_checks`; numbers are docs/guide/health-checks.md's.
 */
import { exactlyOne } from "../cel.ts";
import { mismatch } from "../problem.ts";
import { integer, port, positiveDuration, text } from "../scalars.ts";
import { list, object, optional, refine, type Schema, withDefault } from "../schema.ts";

/** Shortest interval in milliseconds: every client's sidecar asks every instance. */
const MIN_INTERVAL_MS = 100;
const MAX_RANGES = 20;
const MAX_THRESHOLD = 100;

const RANGE = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/;

/** `204`, or `200-299`: both ends belong to it. */
const statusRange: Schema<readonly [from: number, to: number]> = {
  shape: { kind: "statusRange", pattern: RANGE.source },
  check: (value, path, report) => {
    const written = typeof value === "string" || typeof value === "number" ? String(value) : "";
    const [, from, to = from] = RANGE.exec(written) ?? [];
    if (Number(from) <= Number(to)) return [Number(from), Number(to)];
    report(mismatch(path, "a status from 100 to 599, or a range such as 200-299", value));
    return undefined;
  },
};

const target = text("a path that begins with / and has no #, quotes or spaces", {
  // What the sidecar at the other end takes (docs/decisions/0001-request-targets.md).
  pattern: /^\/[\x21\x24-\x3b\x3d\x3f-\x5b\x5d-\x7e]*$/,
  max: 1024,
});

const host = text("a host name, with or without a port", {
  pattern: /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$/,
  max: 259,
});

const grpcService = text("the name of a gRPC service, such as shop.v1.Catalog", {
  pattern: /^[A-Za-z0-9_./-]*$/,
  max: 256,
});

export const healthCheck = refine(
  object({
    http: optional(
      object({
        path: withDefault(target, "/", "Path of the GET; it may have a query.", "Envoy `path`"),
        host: optional(host, "Its Host; default: `<service>.<namespace>:<port>`.", "Envoy `host`"),
        expectedStatuses: withDefault(
          list(statusRange, { min: 1, max: MAX_RANGES }),
          ["200-299"],
          "Statuses that pass.",
          "Envoy `expected_statuses`",
        ),
      }),
      "A GET passes whose answer has an expected status.",
      "Envoy `http_health_check`",
    ),
    tcp: optional(object({}), "A connection passes. Written as `tcp: {}`.", "Envoy `tcp_health_check`"),
    grpc: optional(
      object({
        service: withDefault(
          grpcService,
          "",
          "The service that is asked for; empty: the server as a whole.",
          "Envoy `service_name`",
        ),
      }),
      "An answer `SERVING` of `grpc.health.v1.Health/Check` passes.",
      "Envoy `grpc_health_check`",
    ),
    port: optional(port, "The port of the Service that is checked; default: each of them."),
    interval: withDefault(
      positiveDuration,
      "10s",
      "From the end of a check to the next, give or take a tenth; at least 100ms. The first comes at once.",
      "Envoy `interval`",
    ),
    timeout: withDefault(
      positiveDuration,
      "1s",
      "For one check, the connection included; longer has failed.",
      "Envoy `timeout`",
    ),
    unhealthyThreshold: withDefault(
      integer(1, MAX_THRESHOLD),
      3,
      "Failures in a row that make a healthy instance unhealthy.",
      "Envoy `unhealthy_threshold`",
    ),
    healthyThreshold: withDefault(
      integer(1, MAX_THRESHOLD),
      2,
      "Passes in a row that make an unhealthy instance healthy; one is enough for an instance that has never passed.",
      "Envoy `healthy_threshold`",
    ),
  }),
  ({ http, tcp, grpc, interval }, say) => {
    const named = [http, tcp, grpc].filter((one) => one !== undefined).length;
    if (named !== 1) say([], `names ${named} kinds of check`, "one of http, tcp and grpc");
    if (interval < MIN_INTERVAL_MS) say(["interval"], "is too short", "at least 100ms");
  },
  exactlyOne(["http", "tcp", "grpc"]),
);
