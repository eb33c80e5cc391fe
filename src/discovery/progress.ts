/** How far the sidecars are with each change: what `weft apply --wait` waits for. */
import type { ResourceType } from "./messages.ts";

/** Changes remembered. */
const MAX_CHANGES = 256;

export interface Rejection {
  readonly sidecar: string;
  readonly resource: string;
  readonly message: string;
  readonly field?: string;
}

export interface ChangeProgress {
  readonly change: number;
  readonly state: "pending" | "applied" | "rejected";
  /** Sidecars whose subscriptions the change touched, and those of them that have applied it. */
  readonly concerned: number;
  readonly applied: number;
  readonly rejected: readonly Rejection[];
  readonly elapsedMs: number;
}

interface Identified {
  readonly id: string;
}

interface Entry {
  readonly startedAt: number;
  doneAt: number;
  /** What each stream has yet to settle. */
  readonly waiting: Map<Identified, Set<string>>;
  readonly concerned: Set<Identified>;
  readonly rejected: Rejection[];
  /** `naming` until all that are concerned are known, `settled` when that was told. */
  phase: "naming" | "open" | "settled";
}

export class ProgressBook {
  readonly #clock: () => number;
  readonly #onSettled: (progress: ChangeProgress) => void;
  readonly #entries = new Map<number, Entry>();

  /** `onSettled` is called once for each change, when it is no longer pending. */
  constructor(clock: () => number, onSettled: (progress: ChangeProgress) => void) {
    this.#clock = clock;
    this.#onSettled = onSettled;
  }

  begin(change: number, since: number): void {
    this.#entries.set(change, {
      startedAt: since,
      doneAt: this.#clock(),
      waiting: new Map(),
      concerned: new Set(),
      rejected: [],
      phase: "naming",
    });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > MAX_CHANGES && oldest !== undefined) this.#entries.delete(oldest);
  }

  concern(change: number, stream: Identified, names: readonly { type: ResourceType; name: string }[]): void {
    const entry = this.#entries.get(change);
    entry?.concerned.add(stream);
    entry?.waiting.set(stream, new Set(names.map(({ type, name }) => `${type} ${name}`)));
  }

  /** All that are concerned are named. */
  begun(change: number): void {
    const entry = this.#entries.get(change);
    if (entry === undefined) return;
    entry.phase = "open";
    this.#report(change, entry);
  }

  /** The stream has the latest version of the resource, or has refused it. */
  settle(stream: Identified, type: ResourceType, name: string, rejection: Rejection | undefined): void {
    for (const [change, entry] of this.#entries) {
      const waiting = entry.waiting.get(stream);
      if (waiting === undefined || !waiting.delete(`${type} ${name}`)) continue;
      if (rejection !== undefined) entry.rejected.push(rejection);
      if (waiting.size === 0) {
        entry.waiting.delete(stream);
        entry.doneAt = this.#clock();
      }
      this.#report(change, entry);
    }
  }

  /** A sidecar that has gone is waited for no longer. */
  leave(stream: Identified): void {
    for (const [change, entry] of this.#entries) {
      if (!entry.waiting.delete(stream)) continue;
      entry.concerned.delete(stream);
      this.#report(change, entry);
    }
  }

  #report(change: number, entry: Entry): void {
    if (entry.phase !== "open") return;
    const progress = view(change, entry, this.#clock());
    if (progress.state === "pending") return;
    entry.phase = "settled";
    this.#onSettled(progress);
  }

  read(change: number): ChangeProgress | undefined {
    const entry = this.#entries.get(change);
    return entry === undefined ? undefined : view(change, entry, this.#clock());
  }
}

function view(change: number, entry: Entry, now: number): ChangeProgress {
  const isPending = entry.waiting.size > 0;
  const refusers = new Set(entry.rejected.map((rejection) => rejection.sidecar));
  const applied = [...entry.concerned].filter((one) => !entry.waiting.has(one) && !refusers.has(one.id));
  return {
    change,
    state: entry.rejected.length > 0 ? "rejected" : isPending ? "pending" : "applied",
    concerned: entry.concerned.size,
    applied: applied.length,
    rejected: entry.rejected,
    elapsedMs: Math.round(((isPending ? now : entry.doneAt) - entry.startedAt) * 10) / 10,
  };
}
