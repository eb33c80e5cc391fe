/**
 * `admit`: whether a request may reach the application, by who sends it and by how many there were. Until the sidecar has been
 * told, nothing may. What is refused or audited is counted and told; the client learns what decided only where MeshConfig
 * allows it.
 */
import type { PolicyResource } from "../../discovery/policy.ts";
import type { Limiter } from "../limit/limiter.ts";
import { type Authentication, Authenticator } from "../policy/authenticator.ts";
import type { PolicyDecision } from "../policy/decision.ts";
import type { Judge } from "../policy/judge.ts";
import type { AuthorizationSeries } from "../telemetry/authorization-series.ts";
import type { CauseCode } from "./cause.ts";
import type { Exchange } from "./exchange.ts";
import { HeadView } from "./request-view.ts";

export interface Refusal {
  readonly code: CauseCode;
  /** For the client. */
  readonly detail: string;
}

const MUTUAL_TLS_REQUIRED: Refusal = { code: "mutual_tls_required", detail: "" };
const NO_TOKENS: Authentication = { kind: "none", edit: null };
const NO_POLICY: Refusal = { code: "no_policy", detail: "" };
const AMBIGUOUS_PATH: Refusal = { code: "ambiguous_path", detail: "" };

export class Admission {
  /** Null: not told yet. */
  #judge: Judge | null = null;
  /** Null: tokens are not looked at. */
  #authenticator: Authenticator | null = null;
  #tokenRules = "";
  /** Names of clusters whose clients must have proven who they are, where the listener takes others too. */
  strict: ReadonlySet<string> = new Set();
  readonly #series: AuthorizationSeries;
  readonly #onDecision: (decision: PolicyDecision) => void;
  readonly #view = new HeadView();
  readonly #limiter: Limiter;
  readonly #now: () => number;

  constructor(
    series: AuthorizationSeries,
    onDecision: (decision: PolicyDecision) => void,
    limiter: Limiter,
    now: () => number,
  ) {
    this.#limiter = limiter;
    this.#now = now;
    this.#series = series;
    this.#onDecision = onDecision;
  }

  setPolicy({ tokens = [], limits = [] }: PolicyResource, judge: Judge): void {
    this.#judge = judge;
    this.#limiter.configure(limits, this.#now());
    const rules = JSON.stringify(tokens);
    // What is known of tokens outlives changes of other policies.
    if (rules === this.#tokenRules) return;
    this.#tokenRules = rules;
    this.#authenticator = tokens.length === 0 ? null : new Authenticator(tokens);
  }

  /** The exchange goes on to `pick`, or fails; first it waits where its token is not known yet. */
  admit(exchange: Exchange): void {
    const { head } = exchange.connection;
    const authentication = this.#authenticator === null ? NO_TOKENS : this.#authenticator.authenticate(head);
    if (authentication instanceof Promise) this.#awaitToken(exchange, authentication);
    else this.#authenticated(exchange, authentication);
  }

  #awaitToken(exchange: Exchange, pending: Promise<Authentication>): void {
    exchange.connection.head.detach();
    const { serial } = exchange;
    void pending.then((authentication) => {
      if (exchange.isActive && exchange.serial === serial) this.#authenticated(exchange, authentication);
    });
  }

  #authenticated(exchange: Exchange, authentication: Authentication): void {
    if (authentication.kind === "refused") {
      exchange.fail("invalid_token", authentication.reason);
      return;
    }
    exchange.tokenEdit = authentication.edit;
    exchange.claims = authentication.kind === "verified" ? authentication.claims : null;
    const refusal = this.refusal(exchange);
    if (refusal === null) exchange.pick();
    else exchange.fail(refusal.code, refusal.detail);
  }

  /** Null: it may pass. Its cluster is known. */
  refusal(exchange: Exchange): Refusal | null {
    const judge = this.#judge;
    if (exchange.peer === null && this.strict.has(exchange.cluster?.name ?? "")) return MUTUAL_TLS_REQUIRED;
    if (judge === null) return NO_POLICY;
    const view = this.#view;
    view.show(exchange.connection.head, exchange, exchange.cluster?.endpoints[0]?.port ?? 0);
    const audited = judge.audited(view);
    if (audited !== null) {
      this.#series.audited();
      this.#tell(exchange, "audited", "policy", audited);
    }
    const verdict = judge.decide(view);
    exchange.decidedBy = verdict.source;
    if (verdict.isAllowed) return this.#limiter.size === 0 ? null : this.#overLimit(exchange);
    this.#series.denied(verdict.reason);
    this.#tell(exchange, "denied", verdict.reason, verdict.source);
    if (verdict.reason === "ambiguous_path") return AMBIGUOUS_PATH;
    return { code: "access_denied", detail: judge.exposesDenials ? verdict.source : "" };
  }

  /** What policy lets through, and only that, counts. Tunnels are no requests. */
  #overLimit(exchange: Exchange): Refusal | null {
    const view = this.#view;
    if (view.http === null) return null;
    const verdict = this.#limiter.decide(view, exchange.connection.head, this.#now());
    exchange.limited = verdict;
    return verdict === null || verdict.isAllowed
      ? null
      : { code: "rate_limited", detail: verdict.limit.name };
  }

  #tell(
    exchange: Exchange,
    action: PolicyDecision["action"],
    reason: PolicyDecision["reason"],
    source: string,
  ): void {
    const { principal, port, method, host, path, http } = this.#view;
    const address = exchange.peerAddress;
    this.#onDecision({
      action,
      reason,
      source,
      principal: principal ?? "",
      address,
      port,
      method,
      host,
      path: http === null ? "" : path,
    });
  }
}
