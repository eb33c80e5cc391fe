/** A bound on how many checks are under way at once, whoever's they are: the others wait in order of arrival. */
export class ProbeSlots {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Calls `begin`, now or when there is room; it has to call `leave` at its end. The result takes back what still waits. */
  enter(begin: () => void): () => void {
    const turn = () => begin();
    if (this.#free > 0) {
      this.#free--;
      turn();
    } else this.#waiting.add(turn);
    return () => this.#waiting.delete(turn);
  }

  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
