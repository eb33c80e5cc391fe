/**
 * What policy refused or audited, on its way from the traffic loops to the log: one line a request with Istio's keys and
 * Envoy's `response_code_details`, and a bound on how many, because whoever is refused may ask as often as he likes.
 */
import type { PolicyDecision } from "./policy/decision.ts";

/** Lines of one loop in a second; the others are counted. */
export const MAX_DECISIONS_A_SECOND = 100;
const WINDOW_MS = 1_000;
/** Longest text of a request's in a line. */
const MAX_TEXT = 1_024;

/** In a loop: passes decisions on, within the bound. */
export class DecisionTap {
  readonly #send: (decision: PolicyDecision, left: number) => void;
  readonly #now: () => number;
  #since = Number.NEGATIVE_INFINITY;
  #count = 0;
  /** Not told since the last one that was. */
  #left = 0;

  constructor(send: (decision: PolicyDecision, left: number) => void, now: () => number) {
    this.#send = send;
    this.#now = now;
  }

  take(decision: PolicyDecision): void {
    const now = this.#now();
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      this.#count = 0;
    }
    if (this.#count >= MAX_DECISIONS_A_SECOND) {
      this.#left++;
      return;
    }
    this.#count++;
    this.#send(decision, this.#left);
    this.#left = 0;
  }
}

/** The line, without its end. `left`: decisions before it that were not told. */
export function decisionLine(decision: PolicyDecision, left: number, time: Date): string {
  const { action, reason, source, principal, address, port, method, host, path } = decision;
  const isAmbiguous = reason === "ambiguous_path";
  const refused = {
    response_code: isAmbiguous ? 400 : 403,
    response_flags: isAmbiguous ? "DPE" : "UAEX",
    response_code_details: `rbac_access_denied_matched_policy[${source}]`,
  };
  return JSON.stringify({
    level: "info",
    time: time.toISOString(),
    msg: action === "denied" ? "access denied" : "access audited",
    ...(action === "denied" ? refused : { policy: source }),
    reason,
    method: method.slice(0, MAX_TEXT),
    authority: host.slice(0, MAX_TEXT),
    path: path.slice(0, MAX_TEXT),
    source_principal: principal === "" ? "" : `spiffe://${principal}`,
    downstream_remote_address: address,
    destination_port: port,
    ...(left === 0 ? {} : { not_logged: left }),
  });
}
