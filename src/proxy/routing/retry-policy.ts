/**
 * Whether a try that failed may be followed by another, by a rule's retry policy. Conditions are Envoy's, as bits; what may have
 * reached the application is sent again only where that does no harm.
 */
import {
  DEFAULT_RETRY_CONDITIONS,
  type Hedge,
  RETRY_CONDITIONS,
  type RetryCondition,
  type RetryPolicy as Settings,
} from "../../discovery/resilience.ts";
import type { Head } from "../http/head.ts";

export const DEFAULT_ATTEMPTS = 2;
export const DEFAULT_BACKOFF_BASE_MS = 25;
/** Times the base. */
export const DEFAULT_BACKOFF_MAX_FACTOR = 10;
export const DEFAULT_RETRY_AFTER_MAX_MS = 10_000;

/** Why a try brought no answer. */
export type TryFault =
  /** There was no connection, so that nothing was sent. */
  | "connect"
  /** The other side has certainly not looked at it. */
  | "refused"
  /** It was cut off, and may have been seen. */
  | "reset"
  /** It took longer than one try may. */
  | "timeout";

const BIT = Object.fromEntries(RETRY_CONDITIONS.map((word, i) => [word, 1 << i])) as Readonly<
  Record<RetryCondition, number>
>;
const ANY_5XX = BIT["5xx"];
const GATEWAY = BIT["gateway-error"];
const GRPC =
  BIT.cancelled | BIT["deadline-exceeded"] | BIT.internal | BIT["resource-exhausted"] | BIT.unavailable;
/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const GRPC_BITS: Readonly<Record<string, number>> = {
  1: BIT.cancelled,
  4: BIT["deadline-exceeded"],
  8: BIT["resource-exhausted"],
  13: BIT.internal,
  14: BIT.unavailable,
};

export class RetryPolicy {
  readonly attempts: number;
  /** 0: none of its own. */
  readonly perTryTimeoutMs: number;
  readonly retryAfterMaxMs: number;
  readonly nonIdempotent: boolean;
  readonly hedge: Hedge | null;
  /** Whether gRPC statuses are looked at. */
  readonly readsGrpc: boolean;
  readonly #on: number;
  readonly #statusCodes: ReadonlySet<number>;
  readonly #headers: readonly Buffer[];
  readonly #baseMs: number;
  readonly #maxMs: number;

  constructor(settings: Settings = {}) {
    this.attempts = settings.attempts ?? DEFAULT_ATTEMPTS;
    this.perTryTimeoutMs = settings.perTryTimeoutMs ?? 0;
    this.retryAfterMaxMs = settings.retryAfterMaxMs ?? DEFAULT_RETRY_AFTER_MAX_MS;
    this.nonIdempotent = settings.nonIdempotent ?? false;
    this.hedge = settings.hedge ?? null;
    this.#on = (settings.on ?? DEFAULT_RETRY_CONDITIONS).reduce((set, word) => set | BIT[word], 0);
    this.readsGrpc = (this.#on & GRPC) !== 0;
    this.#statusCodes = new Set(settings.statusCodes);
    this.#headers = (settings.headers ?? []).map((name) => Buffer.from(name, "latin1"));
    this.#baseMs = settings.backoffBaseMs ?? DEFAULT_BACKOFF_BASE_MS;
    this.#maxMs = settings.backoffMaxMs ?? this.#baseMs * DEFAULT_BACKOFF_MAX_FACTOR;
  }

  /** Whether such a fault is a reason. `isSafe`: whether the request may be sent twice. */
  takesFault(fault: TryFault, isSafe: () => boolean): boolean {
    const on = this.#on;
    const takesAny = (on & (BIT.reset | ANY_5XX | GATEWAY)) !== 0;
    switch (fault) {
      case "connect":
        return takesAny || (on & BIT["connect-failure"]) !== 0;
      case "refused":
        return takesAny || (on & (BIT["refused-stream"] | BIT["reset-before-request"])) !== 0;
      case "reset":
      case "timeout":
        return takesAny && isSafe();
    }
  }

  /** Whether a response with this status is a reason, as far as the request may be sent twice. A null head has no fields. */
  takesStatus(status: number, head: Head | null): boolean {
    const on = this.#on;
    if (status >= 500 && (on & ANY_5XX) !== 0) return true;
    if (status >= 502 && status <= 504 && (on & GATEWAY) !== 0) return true;
    if (status === 409 && (on & BIT["retriable-4xx"]) !== 0) return true;
    if ((on & BIT["retriable-status-codes"]) !== 0 && this.#statusCodes.has(status)) return true;
    if (head === null || (on & BIT["retriable-headers"]) === 0) return false;
    return this.#headers.some((name) => head.findName(name) >= 0);
  }

  /** Whether a status of gRPC is. By its own rules such a call may be made again, whatever HTTP's method says. */
  takesGrpcStatus(status: string): boolean {
    return (this.#on & (GRPC_BITS[status] ?? 0)) !== 0;
  }

  /** Whether answers under 400 may be a reason too, so that each must be looked at. */
  get readsHeaders(): boolean {
    return this.#headers.length > 0;
  }

  /** Milliseconds before the retry of this number, from 1: full jitter (Envoy). `random`: of `[0, 1)`. */
  backoffMs(retry: number, random: number): number {
    return random * Math.min(this.#maxMs, (2 ** retry - 1) * this.#baseMs);
  }
}

export const NO_RETRIES = new RetryPolicy({ attempts: 0 });
