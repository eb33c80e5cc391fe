/**
 * The tries of one exchange: which endpoints have had one, whether what came of the last is a reason for another, and when that
 * may begin. What a cluster can bear, budget or breaker, has the last word.
 */
import type { Head } from "../http/head.ts";
import { isMethod } from "../http1/request-head.ts";
import { NO_RETRIES, type RetryPolicy, type TryFault } from "../routing/retry-policy.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

/** Another try in so many milliseconds, or why there is none; `later`: there are too many under way at the moment. */
export type Verdict = number | "later" | "not_retriable" | "exhausted" | "over_budget";

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"].map((m) => Buffer.from(m, "latin1"));
/** In seconds; the latter two also as a time (features of rate limiters, as Envoy's `reset_headers`). */
const RETRY_AFTER = ["retry-after", "ratelimit-reset", "x-ratelimit-reset"].map((n) =>
  Buffer.from(n, "latin1"),
);
/** More seconds than this are a time. */
const FIRST_TIME = 1e9;
const SECONDS = /^\d{1,10}$/;

const NOBODY: readonly UpstreamEndpoint[] = [];

export class Retries {
  policy: RetryPolicy = NO_RETRIES;
  /** Tries that have begun; a hedge is one. */
  count = 0;
  /** Who had the first try: nearly always the only one, so that a list is made for others alone. */
  #first: UpstreamEndpoint | null = null;
  #others: readonly UpstreamEndpoint[] = NOBODY;

  begin(): void {
    this.policy = NO_RETRIES;
    this.count = 0;
    this.#first = null;
    this.#others = NOBODY;
  }

  /** Endpoints that have had a try. */
  get tried(): readonly UpstreamEndpoint[] {
    return this.#first === null ? NOBODY : [this.#first, ...this.#others];
  }

  noteTry(endpoint: UpstreamEndpoint): void {
    if (this.#first === null) this.#first = endpoint;
    else this.#others = [...this.#others, endpoint];
  }

  /** The latest try does not count. */
  forgetTry(): void {
    if (this.#others.length > 0) this.#others = this.#others.slice(0, -1);
    else this.#first = null;
  }

  /** After a try without an answer. */
  afterFault(
    fault: TryFault,
    head: Head,
    cluster: UpstreamCluster,
    now: number,
    random: () => number,
  ): Verdict {
    const { policy } = this;
    if (policy.attempts === 0 || !policy.takesFault(fault, () => this.isSafe(head))) return "not_retriable";
    return this.#verdict(cluster, now, policy.backoffMs(this.count, random()));
  }

  /**
   * Whether another endpoint is asked at once: nothing was sent, so that the try was nobody's load and the next is no more than the
   * request itself. Neither budget nor back-off has anything to protect.
   */
  movesOn(fault: TryFault, cluster: UpstreamCluster): boolean {
    const { policy } = this;
    if (fault !== "connect" || this.count > policy.attempts) return false;
    if (!policy.takesFault(fault, () => true)) return false;
    return this.hasOther(cluster);
  }

  /** Whether there is a healthy endpoint that has had no try. */
  hasOther(cluster: UpstreamCluster): boolean {
    const { tried } = this;
    return cluster.endpoints.some((endpoint) => endpoint.isHealthy && !tried.includes(endpoint));
  }

  /** Whether an answer is a reason for another try; its gRPC status where it has one and that is looked at. A null head has no fields. */
  isReason(status: number, response: Head | null, grpcStatus: string): boolean {
    const { policy } = this;
    if (policy.attempts === 0) return false;
    return grpcStatus === "" ? policy.takesStatus(status, response) : policy.takesGrpcStatus(grpcStatus);
  }

  /** After an answer that is a reason. */
  afterResponse(
    head: Head,
    response: Head | null,
    grpcStatus: string,
    cluster: UpstreamCluster,
    now: number,
    random: () => number,
  ): Verdict {
    const { policy } = this;
    if (grpcStatus === "" && !this.isSafe(head)) return "not_retriable";
    const wanted = response === null ? 0 : retryAfterMs(response);
    if (wanted > policy.retryAfterMaxMs) return "not_retriable";
    return this.#verdict(cluster, now, wanted > 0 ? wanted : policy.backoffMs(this.count, random()));
  }

  /** Whether another try may begin beside those that are under way. */
  mayHedge(cluster: UpstreamCluster, now: number): boolean {
    return typeof this.#verdict(cluster, now, 0) === "number";
  }

  /** Sending it twice does no harm. */
  isSafe(head: Head): boolean {
    return this.policy.nonIdempotent || isIdempotent(head);
  }

  #verdict(cluster: UpstreamCluster, now: number, delayMs: number): Verdict {
    if (this.count > this.policy.attempts) return "exhausted";
    switch (cluster.retryAllowance(now)) {
      case "now":
        return delayMs;
      case "later":
        return "later";
      case "no":
        return "over_budget";
    }
  }
}

export function isIdempotent(head: Head): boolean {
  for (const method of IDEMPOTENT) if (isMethod(head, method)) return true;
  return false;
}

/** RFC 9110 §10.2.3; a date is not waited for. 0: nothing said. */
function retryAfterMs(response: Head): number {
  for (const name of RETRY_AFTER) {
    const field = response.findName(name);
    if (field < 0) continue;
    const text = response.value(field);
    if (!SECONDS.test(text)) continue;
    const value = Number(text) * 1_000;
    return value >= FIRST_TIME * 1_000 ? Math.max(0, value - Date.now()) : value;
  }
  return 0;
}
