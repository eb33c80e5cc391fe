/** What a fault of a FaultInjection does: delay, abort, slow body. Durations are milliseconds once they are read. */
import { exactlyOne } from "../cel.ts";
import { boolean, duration, integer, positiveDuration } from "../scalars.ts";
import { object, oneOfValues, optional, refine, required } from "../schema.ts";

/** Names of gRPC's statuses by their numbers (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
export const GRPC_STATUSES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** OK is no failure, and as an answer without a message it would be a broken one. */
const [, ...FAILURES] = GRPC_STATUSES;
const NUMBERS = FAILURES.map((_, i) => i + 1);

export const delay = refine(
  object({
    fixed: optional(positiveDuration, "So long.", "Istio `fixedDelay`"),
    min: optional(duration, "Or at random: at least so long …"),
    max: optional(positiveDuration, "… and at most so long."),
  }),
  ({ fixed, min, max }, say) => {
    const isRange = min !== undefined && max !== undefined;
    if (fixed === undefined ? !isRange : min !== undefined || max !== undefined)
      say([], "needs one of two", "fixed, or min and max");
    else if (isRange && min > max) say(["min"], "must not be longer than max", "at most the value of max");
  },
  {
    rule: "has(self.fixed) ? !has(self.min) && !has(self.max) : has(self.min) && has(self.max)",
    message: "needs fixed, or min and max",
  },
);

export const abort = refine(
  object({
    status: optional(integer(200, 599), "Answers with this status.", "Istio `httpStatus`"),
    grpcStatus: optional(
      oneOfValues<string | number>([...FAILURES, ...NUMBERS]),
      "Answers with this status of gRPC, by name or number.",
      "Istio and Envoy `grpcStatus`",
    ),
    reset: optional(boolean, "`true`: cuts the connection before a byte of an answer."),
  }),
  ({ status, grpcStatus, reset }, say) => {
    const named = [status, grpcStatus, reset].filter((one) => one !== undefined);
    if (named.length !== 1) say([], `names ${named.length} ends`, "one of status, grpcStatus and reset");
    else if (reset === false) say(["reset"], "does nothing", "true");
  },
  exactlyOne(["status", "grpcStatus", "reset"]),
);

export const slowBody = object({
  bytesPerSecond: required(
    integer(1, 1_000_000_000),
    "So many bytes of the response's body, its chunks' framing included, in each second.",
    "Envoy `response_rate_limit`, Kuma `responseBandwidth`",
  ),
});
