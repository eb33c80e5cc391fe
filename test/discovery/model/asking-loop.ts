/** A traffic loop that asks for the route of a request which it doesn't know, and gives up what no request has used (`Outbound`). */
import type { Change } from "../../../src/proxy/snapshot/loop-protocol.ts";
import { TableLoop } from "../../harness/table-loop.ts";

export interface LoopVoice {
  subscribe(routes: readonly string[]): void;
  unsubscribe(routes: readonly string[]): void;
}

export class AskingLoop extends TableLoop {
  /** Names that the mesh is known not to have. */
  readonly missing = new Set<string>();
  /** Routes that a request waits for. */
  readonly waiting = new Set<string>();
  readonly #used = new Set<string>();
  readonly #voice: LoopVoice;

  constructor(voice: LoopVoice) {
    super();
    this.#voice = voice;
  }

  request(route: string): void {
    this.#used.add(route);
    if (this.routes.has(route) || this.missing.has(route) || this.waiting.has(route)) return;
    this.waiting.add(route);
    this.#voice.subscribe([route]);
  }

  /** Requests have waited long enough. */
  giveUp(route: string): void {
    this.waiting.delete(route);
  }

  sweep(): void {
    const idle = [...this.routes.keys(), ...this.missing].filter((name) => !this.#used.has(name));
    this.#used.clear();
    if (idle.length > 0) this.#voice.unsubscribe(idle);
  }

  override apply(change: Change): void {
    super.apply(change);
    if (change.kind === "route") {
      this.missing.delete(change.resource.name);
      this.waiting.delete(change.resource.name);
    } else if (change.kind === "route-removed") {
      if (change.idle !== true) this.missing.add(change.name);
      else this.missing.delete(change.name);
      // Who waits looks again, and asks again.
      if (this.waiting.delete(change.name)) this.request(change.name);
    }
  }
}
