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
}

export class ProgressBook {
  readonly #clock: () => number;
  readonly #entries = new Map<number, Entry>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  begin(change: number): void {
    const now = this.#clock();
    this.#entries.set(change, {
      startedAt: now,
      doneAt: now,
      waiting: new Map(),
      concerned: new Set(),
      rejected: [],
    });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > MAX_CHANGES && oldest !== undefined) this.#entries.delete(oldest);
  }

  concern(change: number, stream: Identified, names: readonly { type: ResourceType; name: string }[]): void {
    const entry = this.#entries.get(change);
    entry?.concerned.add(stream);
    entry?.waiting.set(stream, new Set(names.map(({ type, name }) => `${type} ${name}`)));
  }

  /** The stream has the latest version of the resource, or has refused it. */
  settle(stream: Identified, type: ResourceType, name: string, rejection: Rejection | undefined): void {
    for (const entry of this.#entries.values()) {
      const waiting = entry.waiting.get(stream);
      if (waiting === undefined || !waiting.delete(`${type} ${name}`)) continue;
      if (rejection !== undefined) entry.rejected.push(rejection);
      if (waiting.size > 0) continue;
      entry.waiting.delete(stream);
      entry.doneAt = this.#clock();
    }
  }

  /** A sidecar that has gone is waited for no longer. */
  leave(stream: Identified): void {
    for (const entry of this.#entries.values()) {
      if (entry.waiting.delete(stream)) entry.concerned.delete(stream);
    }
  }

  read(change: number): ChangeProgress | undefined {
    const entry = this.#entries.get(change);
    if (entry === undefined) return undefined;
    const isPending = entry.waiting.size > 0;
    const refusers = new Set(entry.rejected.map((rejection) => rejection.sidecar)).size;
    return {
      change,
      state: entry.rejected.length > 0 ? "rejected" : isPending ? "pending" : "applied",
      concerned: entry.concerned.size,
      applied: entry.concerned.size - entry.waiting.size - refusers,
      rejected: entry.rejected,
      elapsedMs: Math.round(((isPending ? this.#clock() : entry.doneAt) - entry.startedAt) * 10) / 10,
    };
  }
}
