/**
 * The end of a traffic loop (semantics.md, "Drain and lifecycle"): responses ask clients to go, new connections are served through the
 * grace period, then the ports close and what is under way may finish until the time is up.
 */
import type { Inbound } from "./inbound.ts";
import type { Listener } from "./net/listener.ts";
import type { Outbound } from "./outbound.ts";

const POLL_MS = 50;

export class Drain {
  readonly #sides: readonly (Outbound | Inbound)[];
  readonly #listeners: readonly Listener[];
  readonly #onDrained: (cut: number) => void;
  #hasBegun = false;

  constructor(
    sides: readonly (Outbound | Inbound)[],
    listeners: readonly Listener[],
    onDrained: (cut: number) => void,
  ) {
    this.#sides = sides;
    this.#listeners = listeners;
    this.#onDrained = onDrained;
  }

  begin(graceMs: number, timeoutMs: number): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    for (const side of this.#sides) {
      side.isDraining = true;
      side.connections.retireHops();
    }
    const endAt = performance.now() + timeoutMs;
    setTimeout(() => this.#close(endAt), Math.min(graceMs, timeoutMs));
  }

  #close(endAt: number): void {
    for (const listener of this.#listeners) listener.close();
    for (const side of this.#sides) side.connections.closeIdle();
    const busy = this.#sides.reduce((sum, side) => sum + side.connections.busy, 0);
    if (busy === 0 || performance.now() >= endAt) {
      for (const side of this.#sides) side.connections.closeAll();
      this.#onDrained(busy);
      return;
    }
    setTimeout(() => this.#close(endAt), POLL_MS);
  }
}
