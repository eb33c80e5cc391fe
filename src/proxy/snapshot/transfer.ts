/**
 * Carries changes to the traffic loops in steps that a loop handles between two requests (about 1 ms at most),
 * one step outstanding per loop: the next is sent when the loop has confirmed the last, so a large push never
 * becomes a long pause. Make before break: what is added is sent in the order secret, cluster, endpoints, health, policy, listener, route;
 * what is taken away follows in the opposite order, after everything that stops using it.
 */
import type { EndpointResource } from "../../discovery/messages.ts";
import type { Change, ToLoop } from "./loop-protocol.ts";

/** Most endpoints in one step. */
export const MAX_STEP_ENDPOINTS = 200;
/** Most routes, clusters and listeners in one step. */
export const MAX_STEP_RESOURCES = 20;
/** Most removals in one step: they cost a loop a map delete each. */
export const MAX_STEP_REMOVALS = 200;

const RANK = {
  secret: 0,
  cluster: 1,
  endpoints: 2,
  health: 3,
  policy: 4,
  listener: 5,
  route: 6,
  "route-removed": 7,
  "endpoints-removed": 8,
  "cluster-removed": 9,
} as const satisfies Record<Change["kind"], number>;

/** Where one loop's messages go. */
export interface LoopPort {
  post(message: ToLoop): void;
}

/** The changes in order of application; changes of one kind keep their order. */
export function inOrder(changes: readonly Change[]): readonly Change[] {
  return changes.toSorted((a, b) => RANK[a.kind] - RANK[b.kind]);
}

/** Cuts ordered changes into steps, the parts of a large endpoints resource into several. */
export function* steps(changes: readonly Change[]): Generator<readonly Change[]> {
  let step: Change[] = [];
  let room = 1;
  for (const change of changes) {
    for (const part of parts(change)) {
      const cost = costOf(part);
      if (cost > room + 1e-9 && step.length > 0) {
        yield step;
        step = [];
        room = 1;
      }
      step.push(part);
      room -= cost;
    }
  }
  if (step.length > 0) yield step;
}

/** Sends to all loops, each at its own pace. */
export class Transfer {
  readonly #loops: readonly LoopPort[];
  /** Per loop: what it gets next. `undefined` when idle. */
  readonly #outstanding: (Outstanding | undefined)[];
  #nextId = 1;
  #last: Promise<void> = Promise.resolve();

  constructor(loops: readonly LoopPort[]) {
    this.#loops = loops;
    this.#outstanding = loops.map(() => undefined);
  }

  /** Resolves when every loop has applied every change; calls are carried out one after the other. */
  send(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return this.#last;
    const ordered = inOrder(changes);
    const sent = this.#last.then(() =>
      Promise.all(this.#loops.map((_, index) => this.#sendTo(index, ordered))).then(() => undefined),
    );
    this.#last = sent;
    return sent;
  }

  /** A loop's `update-applied`; an id that is not outstanding is ignored. */
  confirmed(loop: number, id: number): void {
    const outstanding = this.#outstanding[loop];
    if (outstanding?.id === id) this.#advance(loop, outstanding);
  }

  #sendTo(loop: number, changes: readonly Change[]): Promise<void> {
    return new Promise((resolve) => {
      this.#advance(loop, { id: 0, rest: steps(changes), done: resolve });
    });
  }

  #advance(loop: number, outstanding: Outstanding): void {
    const next = outstanding.rest.next();
    if (next.done === true) {
      this.#outstanding[loop] = undefined;
      outstanding.done();
      return;
    }
    const id = this.#nextId++;
    this.#outstanding[loop] = { ...outstanding, id };
    this.#loops[loop]?.post({ kind: "update", id, changes: next.value });
  }
}

interface Outstanding {
  readonly id: number;
  readonly rest: Generator<readonly Change[]>;
  readonly done: () => void;
}

function* parts(change: Change): Generator<Change> {
  if (change.kind !== "endpoints" || change.endpoints.length <= MAX_STEP_ENDPOINTS) {
    yield change;
    return;
  }
  const all: readonly EndpointResource[] = change.endpoints;
  const { table, ...part } = change;
  for (let from = 0; from < all.length; from += MAX_STEP_ENDPOINTS) {
    const end = from + MAX_STEP_ENDPOINTS;
    const complete = end >= all.length;
    yield { ...part, endpoints: all.slice(from, end), complete, ...(complete && table && { table }) };
  }
}

/** Share of a step that a change takes up. */
function costOf(change: Change): number {
  switch (change.kind) {
    case "secret":
    case "policy":
      return 1;
    case "endpoints":
      return Math.max(1, change.endpoints.length) / MAX_STEP_ENDPOINTS;
    case "health":
      return Math.max(1, change.unhealthy.length) / MAX_STEP_ENDPOINTS;
    case "cluster":
    case "listener":
    case "route":
      return 1 / MAX_STEP_RESOURCES;
    case "route-removed":
    case "endpoints-removed":
    case "cluster-removed":
      return 1 / MAX_STEP_REMOVALS;
  }
}
