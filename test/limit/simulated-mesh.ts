/**
 * Sidecars that keep a limit together, on a clock that only the test moves: the limiters of traffic loops and the control
 * plane's book as they are, and between them messages that take their time. A bucket that sees all requests stands beside.
 */
import { LeaseBook } from "../../src/discovery/lease-book.ts";
import type { DemandReport, Lease, RateLimitRules } from "../../src/discovery/rate-limit.ts";
import { Bucket } from "../../src/proxy/limit/bucket.ts";
import { Limiter } from "../../src/proxy/limit/limiter.ts";
import { TICK_MS } from "../../src/proxy/limit/meter.ts";
import { requestHead } from "../harness/head.ts";
import { request, viewOf } from "../policy/view.ts";

export const PORT = 8080;
const STEP_MS = 10;
const COALESCE_MS = 20;
const HEAD = requestHead("GET / HTTP/1.1", "Host: shop");
const UNCOUNTED = { passed() {}, limited() {} };

export function rulesOf(change: Partial<RateLimitRules> = {}): RateLimitRules {
  return {
    ...{ id: "default/shop/0", ports: [PORT], requests: 100, perMs: 1_000, burst: 100, key: [] },
    mesh: { instances: 1 },
    ...change,
  };
}

class Replica {
  readonly limiter = new Limiter(1, 0, () => UNCOUNTED);
  /** Ticks of different replicas come at different times. */
  readonly phase: number;
  /** Requests that are due in parts. */
  due = 0;

  constructor(phase: number) {
    this.phase = phase;
  }
}

export class SimulatedMesh {
  now = 0;
  /** What each passed, by step; the same of the one bucket. */
  readonly passed: number[] = [];
  readonly ideal: number[] = [];
  messages = 0;
  readonly replicas: (Replica | null)[] = [];
  readonly #rules: RateLimitRules;
  #book: LeaseBook<Replica> | null;
  readonly #bucket: Bucket;
  readonly #random: () => number;
  readonly #delayMs: number;
  readonly #queue: { readonly at: number; readonly run: () => void }[] = [];
  #flushAt = Number.POSITIVE_INFINITY;

  constructor(rules: RateLimitRules, random: () => number, delayMs: number) {
    this.#rules = rules;
    this.#random = random;
    this.#delayMs = delayMs;
    this.#book = this.#newBook();
    const { requests, perMs, burst } = rules;
    this.#bucket = new Bucket({ flow: requests / perMs, cap: burst }, 0);
  }

  join(instances = this.size + 1): void {
    const replica = new Replica(Math.floor(this.#random() * (TICK_MS / STEP_MS)));
    replica.limiter.configure([{ ...this.#rules, mesh: { instances } }], this.now);
    this.replicas.push(replica);
  }

  leave(index: number): void {
    const replica = this.replicas[index];
    if (!replica) return;
    this.replicas[index] = null;
    this.#later(() => {
      this.#book?.left(replica);
      this.#flushAt = Math.min(this.#flushAt, this.now + COALESCE_MS);
    });
  }

  /** The control plane ends; with `restart` another one begins, which knows nothing. */
  planeAway(): void {
    this.#book = null;
  }

  planeBack(): void {
    this.#book = this.#newBook();
    for (const replica of this.replicas) replica?.limiter.meter.rejoin();
  }

  /** Requests per second to each replica, for so long. `key`: of each request, by a number from 0 to 1. */
  run(ms: number, rates: readonly number[], key: (random: number) => string = () => ""): void {
    for (const end = this.now + ms; this.now < end; this.now += STEP_MS) this.#step(rates, key);
  }

  #step(rates: readonly number[], key: (random: number) => string): void {
    for (let i = 0; i < this.#queue.length; ) {
      const message = this.#queue[i]!;
      if (message.at > this.now) i++;
      else {
        this.#queue.splice(i, 1);
        message.run();
      }
    }
    let passed = 0;
    let ideal = 0;
    for (const [i, replica] of this.replicas.entries()) {
      if (replica === null) continue;
      replica.due += ((rates[i] ?? 0) * STEP_MS * 2 * this.#random()) / 1_000;
      for (; replica.due >= 1; replica.due--) {
        const headers: [string, string][] = [["x-key", key(this.#random())]];
        const view = viewOf(request({ headers }, { port: PORT }));
        if (replica.limiter.decide(view, HEAD, this.now)?.isAllowed === true) passed++;
        this.#bucket.refill(this.now);
        if (this.#bucket.tokens >= 1) {
          this.#bucket.tokens--;
          ideal++;
        }
      }
      if ((this.now / STEP_MS) % (TICK_MS / STEP_MS) === replica.phase) this.#tick(replica);
    }
    this.passed.push(passed);
    this.ideal.push(ideal);
    if (this.now >= this.#flushAt) this.#flush();
  }

  #tick(replica: Replica): void {
    const report = replica.limiter.meter.report(this.now);
    if (report === null) return;
    this.messages++;
    const book = this.#book;
    this.#later(() => this.#take(book, replica, report));
  }

  #take(book: LeaseBook<Replica> | null, replica: Replica, report: DemandReport): void {
    if (book === null || book !== this.#book || !this.replicas.includes(replica)) return;
    book.report(replica, report, () => this.#rules);
    this.#flushAt = Math.min(this.#flushAt, this.now + COALESCE_MS);
  }

  #flush(): void {
    this.#flushAt = Number.POSITIVE_INFINITY;
    for (const [replica, leases] of this.#book?.flush() ?? []) this.#lend(replica, leases);
  }

  #lend(replica: Replica, leases: readonly Lease[]): void {
    this.messages++;
    this.#later(() => replica.limiter.lend(leases, this.now));
  }

  #later(run: () => void): void {
    this.#queue.push({ at: this.now + this.#delayMs * (0.5 + this.#random()), run });
  }

  #newBook(): LeaseBook<Replica> {
    return new LeaseBook(() => this.now);
  }

  get size(): number {
    return this.replicas.filter((replica) => replica !== null).length;
  }

  /** What passed in each window of this length, in steps of 100 ms. */
  windows(ms: number): { readonly passed: number; readonly ideal: number; readonly from: number }[] {
    const length = ms / STEP_MS;
    const found = [];
    for (let from = 0; from + length <= this.passed.length; from += 10) {
      const sum = (list: readonly number[]) => list.slice(from, from + length).reduce((a, b) => a + b, 0);
      found.push({ passed: sum(this.passed), ideal: sum(this.ideal), from: from * STEP_MS });
    }
    return found;
  }
}
