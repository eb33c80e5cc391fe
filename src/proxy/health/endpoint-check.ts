/**
 * The check of one endpoint: when it is asked, and what its answers have come to. At most one question is under way; the next
 * comes an interval after the end of the last, so that a slow endpoint is not asked more often than a quick one.
 */
import type { HealthCheck } from "../../discovery/health-check.ts";
import type { EndpointResource } from "../../discovery/messages.ts";
import type { Outcome, Probe, Target } from "./probe.ts";
import type { ProbeSlots } from "./probe-slots.ts";
import { afterOtherQuestion, afterResult, type HealthState, PENDING } from "./threshold.ts";

/** Share of the interval by which a gap is longer or shorter, at most. */
const JITTER = 0.1;
/** The first gap is from this share of an interval up to a whole one: endpoints that came together part at once. */
const LEAST_FIRST_GAP = 0.5;

/** Longest reason that is kept: others chose its words. */
const MAX_REASON = 300;

/** Time and chance; a simulator brings its own. */
export interface Pace {
  /** In [0, 1). */
  readonly random: () => number;
  /** Calls `run` once, `ms` later; the result takes that back. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** What the check of an endpoint shares with those of its cluster. */
export interface CheckContext {
  readonly pace: Pace;
  readonly slots: ProbeSlots;
  readonly settings: HealthCheck;
  readonly probe: Probe;
  counted(result: "pass" | "fail" | "timeout"): void;
  /** A check has passed, and the endpoint is healthy. */
  passed(check: EndpointCheck): void;
  /** An endpoint has become unhealthy, or is no longer so. */
  changed(check: EndpointCheck): void;
}

export class EndpointCheck {
  readonly #context: CheckContext;
  readonly #target: Target;
  #state: HealthState = PENDING;
  #lastResult = "";
  #asked = 0;
  #isAsking = false;
  /** Ends what is under way, or waited for. */
  #cancel: () => void = () => {};

  /** `context` may change what it holds; it is looked at anew for each question. */
  constructor(endpoint: EndpointResource, context: CheckContext) {
    this.#target = { endpoint, session: null };
    this.#context = context;
  }

  get endpoint(): EndpointResource {
    return this.#target.endpoint;
  }

  get verdict(): HealthState["kind"] {
    return this.#state.kind;
  }

  get isUnhealthy(): boolean {
    return this.#state.kind === "unhealthy";
  }

  /** What the last check came to, for people; empty before the first. */
  get lastResult(): string {
    return this.#lastResult;
  }

  /** Begins: the first question comes at once, as far as there is room. */
  start(): void {
    const takeBack = this.#context.slots.enter(() => this.#ask());
    if (!this.#isAsking) this.#cancel = takeBack;
  }

  /** Ends it; nothing is told any more. */
  stop(): void {
    this.#cancel();
  }

  /** Something else is asked from now on, beginning at once. */
  restart(): void {
    this.stop();
    this.#state = afterOtherQuestion(this.#state);
    this.#asked = 0;
    this.start();
  }

  /** The interval is another: what waits for the old one waits for a part of the new one. */
  retime(): void {
    if (this.#isAsking || this.#asked === 0) return;
    this.#cancel();
    const { pace, settings } = this.#context;
    this.#wait(settings.intervalMs * pace.random());
  }

  #ask(): void {
    const { pace, slots, settings, probe } = this.#context;
    this.#isAsking = true;
    // Of this question alone: a late answer must not end the next one.
    let isOver = false;
    const end = () => {
      if (isOver) return false;
      isOver = true;
      this.#isAsking = false;
      cancelTimeout();
      cancelProbe();
      slots.leave();
      return true;
    };
    const cancelTimeout = pace.after(settings.timeoutMs, () => {
      if (end()) this.#take({ kind: "timeout", reason: `no answer in ${settings.timeoutMs} ms` });
    });
    const cancelProbe = probe(this.#target, (outcome) => {
      if (end()) this.#take(outcome);
    });
    this.#cancel = end;
  }

  #take(outcome: Outcome | { readonly kind: "timeout"; readonly reason: string }): void {
    const { settings, changed, counted, passed } = this.#context;
    this.#asked++;
    this.#waitInterval();
    const isPass = outcome.kind === "pass";
    this.#lastResult = isPass ? "passed" : outcome.reason.slice(0, MAX_REASON);
    if (outcome.kind === "unknown") return;
    counted(outcome.kind);
    const wasUnhealthy = this.isUnhealthy;
    this.#state = afterResult(this.#state, isPass, settings);
    if (this.isUnhealthy !== wasUnhealthy) changed(this);
    if (isPass && !this.isUnhealthy) passed(this);
  }

  #waitInterval(): void {
    const { pace, settings } = this.#context;
    const share =
      this.#asked === 1
        ? LEAST_FIRST_GAP + (1 - LEAST_FIRST_GAP) * pace.random()
        : 1 - JITTER + 2 * JITTER * pace.random();
    this.#wait(settings.intervalMs * share);
  }

  #wait(ms: number): void {
    this.#cancel = this.#context.pace.after(ms, () => this.start());
  }
}
