/** Sidecars whose stream has ended, for a while: one that is missing is worth more than one that was never there. */
import type { SidecarStatus } from "./sidecar-status.ts";

/** How long a sidecar that has gone is listed, in milliseconds. */
const KEPT_MS = 600_000;
/** Most that are listed; the oldest go first. */
const MAX_DEPARTED = 1_000;

interface Departed {
  readonly status: SidecarStatus;
  readonly at: number;
}

export class DepartedSidecars {
  /** In the order in which they left. */
  readonly #byId = new Map<string, Departed>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  add(status: SidecarStatus): void {
    this.#byId.delete(status.id);
    const disconnectedSince = new Date().toISOString();
    const gone = { ...status, state: "disconnected", disconnectedSince } as const;
    this.#byId.set(status.id, { status: gone, at: this.#clock() });
    this.#prune();
  }

  /** It is connected again. */
  delete(id: string): void {
    this.#byId.delete(id);
  }

  list(): readonly SidecarStatus[] {
    this.#prune();
    return [...this.#byId.values()].map(({ status }) => status);
  }

  /** Ids of those that left in the last `ms`. */
  since(ms: number): readonly string[] {
    const from = this.#clock() - ms;
    return [...this.#byId].filter(([, { at }]) => at > from).map(([id]) => id);
  }

  #prune(): void {
    const oldest = this.#clock() - KEPT_MS;
    for (const [id, { at }] of this.#byId) {
      if (at > oldest && this.#byId.size <= MAX_DEPARTED) return;
      this.#byId.delete(id);
    }
  }
}
