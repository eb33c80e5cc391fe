/**
 * The loop that sends. Open: whatever is due goes out as soon as a connection is free, at the next timer (1 ms) or any
 * answer, whichever is first; nothing spins, and what was late is sent in a burst, as its latency counts from when it
 * was due. Closed: every free connection sends. A backlog is only the distance between schedule and clock, so a server
 * that stalls costs no memory here.
 */
import { performance } from "node:perf_hooks";
import type { Connection, ConnectionOwner } from "./connection.ts";
import type { LoadPlan } from "./options.ts";
import { ConnectionPool } from "./pool.ts";
import type { Recorder } from "./recorder.ts";
import type { ErrorKind } from "./result.ts";
import { Schedule } from "./schedule.ts";

/** When a run's parts begin and end, in milliseconds of `performance.now()`. */
export interface RunTimes {
  readonly start: number;
  readonly measureFrom: number;
  /** Infinite when the number of requests ends the run. */
  readonly endAt: number;
}

/** After its end, what is due and waits for a connection may still leave for this long. */
const GRACE_MS = 1_000;
const LONGEST_PAUSE_MS = 1_000;
/** Missed requests are recorded one by one up to so many, and beyond that in parts, lest the end of a run take long. */
const MISSED_ONE_BY_ONE = 1_000_000;
const MISSED_PARTS = 1_000;

export class Engine implements ConnectionOwner {
  readonly pool: ConnectionPool;
  connectionsOpened = 0;
  readonly #plan: LoadPlan;
  #recorder: Recorder | undefined;
  #schedule: Schedule | undefined;
  #measureFrom = 0;
  #endAt = Number.POSITIVE_INFINITY;
  #graceMs: number;
  #sending = false;
  #scheduled = 0;
  #inFlight = 0;
  #roomSince = 0;
  #refusals = 0;
  #pausedUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #cutOffAt = Number.POSITIVE_INFINITY;
  #done: (() => void) | undefined;
  #onReady: ((error: NodeJS.ErrnoException | undefined) => void) | undefined;

  constructor(plan: LoadPlan, address: string) {
    this.#plan = plan;
    this.#graceMs = Math.min(GRACE_MS, plan.timeoutMs);
    const { port, bytes, method } = plan.request;
    const target = { address, port, bytes, noBody: method === "HEAD" };
    this.pool = new ConnectionPool(
      target,
      this,
      plan.connections,
      Math.max(plan.connections, plan.maxInFlight),
    );
  }

  /** Opens all connections, some at a time; resolves with the first error when not one opened. */
  openAll(): Promise<NodeJS.ErrnoException | undefined> {
    const all = [...this.pool.all];
    let next = 0;
    let waiting = all.length;
    let firstError: NodeJS.ErrnoException | undefined;
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(limit);
        this.#onReady = undefined;
        resolve(this.connectionsOpened > 0 ? undefined : (firstError ?? new Error("timed out")));
      };
      const limit = setTimeout(finish, this.#plan.timeoutMs);
      this.#onReady = (error) => {
        firstError ??= error;
        all[next++]?.open();
        if (--waiting === 0) finish();
      };
      for (const connection of all.slice(0, 64)) {
        next++;
        connection.open();
      }
    });
  }

  /** Sends by the plan and resolves when the last request has ended. */
  run(times: RunTimes, recorder: Recorder): Promise<void> {
    const { mode, rate, arrival, seed, timeoutMs } = this.#plan;
    this.#recorder = recorder;
    this.#measureFrom = times.measureFrom;
    this.#endAt = times.endAt;
    this.#roomSince = times.start;
    // The start is a whole millisecond, just ahead: what a closed loop sent before it would belong to no part of the run.
    this.#pausedUntil = times.start;
    if (mode === "open") this.#schedule = new Schedule({ rate, arrival, seed, start: times.start });
    this.#sending = true;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#sweep = setInterval(
        () => this.#sweepNow(performance.now()),
        Math.min(100, Math.max(5, timeoutMs / 10)),
      );
      this.#pump(performance.now());
    });
  }

  /** Ends the run now: nothing more is sent, and requests under way have a second to finish. */
  stop(): void {
    const now = performance.now();
    this.#endAt = Math.min(this.#endAt, now);
    this.#graceMs = 0;
    this.#cutOffAt = now + GRACE_MS;
    this.#pump(now);
  }

  /** How many requests are due and still here. */
  backlog(now: number): number {
    return this.#schedule?.countBefore(Math.min(now, this.#endAt)) ?? 0;
  }

  answered(connection: Connection, status: number, now: number): void {
    this.#refusals = 0;
    this.#recorder?.answer(status, connection.intendedAt, connection.sentAt, now);
    this.#release(connection, now);
  }

  failed(connection: Connection, kind: ErrorKind, detail: string, now: number): void {
    this.#recorder?.error(kind, detail, connection.intendedAt, now);
    // A closed loop against a dead port would otherwise ask it as fast as the kernel can say no.
    if (kind === "connect" && this.#schedule === undefined) {
      this.#pausedUntil = now + Math.min(LONGEST_PAUSE_MS, 10 * 2 ** Math.min(this.#refusals++, 10));
    }
    this.#release(connection, now);
  }

  received(bytes: number): void {
    this.#recorder?.received(bytes);
  }

  opened(): void {
    this.connectionsOpened++;
  }

  ready(_connection: Connection, error: NodeJS.ErrnoException | undefined): void {
    this.#onReady?.(error);
  }

  #release(connection: Connection, now: number): void {
    if (this.#inFlight-- === this.#plan.maxInFlight) this.#roomSince = now;
    this.pool.give(connection);
    this.#pump(now);
  }

  /** Sends what can be sent now, and sees to being called again. */
  #pump(now: number): void {
    if (this.#sending) {
      if (this.#schedule === undefined) this.#sendFree(now);
      else this.#sendDue(this.#schedule, now);
    }
    if (!this.#sending && this.#inFlight === 0) this.#finish();
  }

  #sendDue(schedule: Schedule, now: number): void {
    while (schedule.isDue(now) && schedule.next < this.#endAt && this.#inFlight < this.#plan.maxInFlight) {
      if (!this.#start(schedule.take(), now)) break;
    }
    const complete = schedule.next >= this.#endAt || this.#scheduled === this.#plan.requests;
    if (complete) this.#sending = false;
    else if (now >= this.#endAt + this.#graceMs) this.#giveUp(schedule, now);
    else if (schedule.isDue(now))
      return; // all connections are busy: the next answer calls again
    else this.#arm(schedule.next - now);
  }

  #sendFree(now: number): void {
    if (now >= this.#endAt) this.#sending = false;
    else if (now < this.#pausedUntil) this.#arm(this.#pausedUntil - now);
    else while (this.#sending && this.#inFlight < this.#plan.maxInFlight && this.#start(now, now));
  }

  /** Starts one request; false when it was the last of those asked for. */
  #start(intendedAt: number, now: number): boolean {
    const connection = this.pool.take();
    if (connection === undefined) return false;
    this.#inFlight++;
    this.#recorder?.sent(intendedAt, this.#roomSince, now, this.#plan.request.bytes.length);
    if (intendedAt >= this.#measureFrom && ++this.#scheduled === this.#plan.requests) this.#sending = false;
    connection.send(intendedAt, now);
    return this.#sending;
  }

  /** What is due and did not leave in time never will. */
  #giveUp(schedule: Schedule, now: number): void {
    this.#sending = false;
    while (schedule.next < Math.min(this.#measureFrom, this.#endAt)) schedule.take();
    const wanted = (this.#plan.requests ?? Number.POSITIVE_INFINITY) - this.#scheduled;
    const recorder = this.#recorder;
    let missed = 0;
    for (; missed < MISSED_ONE_BY_ONE && missed < wanted && schedule.next < this.#endAt; missed++) {
      recorder?.miss(schedule.take(), now);
    }
    const rest = Math.min(schedule.countBefore(this.#endAt), wanted - missed);
    const gap = (this.#endAt - schedule.next) / MISSED_PARTS;
    for (let i = 0; i < MISSED_PARTS && rest > 0; i++) {
      const part = Math.floor((rest * (i + 1)) / MISSED_PARTS) - Math.floor((rest * i) / MISSED_PARTS);
      if (part > 0) recorder?.miss(schedule.next + i * gap, now, part);
    }
  }

  #sweepNow(now: number): void {
    const oldest = now - this.#plan.timeoutMs;
    for (const connection of this.pool.all) {
      if (!connection.busy) continue;
      if (now >= this.#cutOffAt) connection.abandon("unfinished", "the run was ended early", now);
      else if (connection.sentAt <= oldest)
        connection.abandon("timeout", `after ${this.#plan.timeoutMs} ms`, now);
    }
    this.#pump(now);
  }

  #arm(delayMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#pump(performance.now());
      },
      Math.max(1, delayMs),
    );
  }

  #finish(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    this.pool.closeAll();
    this.#done?.();
    this.#done = undefined;
  }
}
