/** What becomes of connections to a port that are not read: a weighted choice of clusters. */
import type { OpaquePort } from "../../discovery/route.ts";
import { Split } from "./split.ts";

export interface OpaqueBackend {
  /** Absent: the reference dangles. */
  readonly cluster?: string;
  readonly reason?: string;
}

export class Opaque {
  /** No HTTP is spoken there; otherwise the first bytes decide. */
  readonly isCertain: boolean;
  readonly #split: Split;
  readonly #backends: readonly OpaqueBackend[];

  constructor({ backends, isCertain }: OpaquePort) {
    this.isCertain = isCertain;
    this.#split = new Split(backends);
    this.#backends = backends;
  }

  /** For a random number of `[0, 1)`; null when all weights are 0. */
  pick(random: number): OpaqueBackend | null {
    return this.#backends[this.#split.pick(random)] ?? null;
  }
}
