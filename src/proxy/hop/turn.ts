/**
 * What waits for the end of a turn of the event loop: by then every readable socket has been read, so that the frames of many
 * streams leave together, in one TLS record and one write (docs/decisions/0008).
 */

export interface EndOfTurn {
  endTurn(): void;
}

export class Turn {
  #first: EndOfTurn[] = [];
  #last: EndOfTurn[] = [];
  #isScheduled = false;

  /** Before what is written leaves: what may still write. */
  before(job: EndOfTurn): void {
    this.#first.push(job);
    this.#schedule();
  }

  /** Sends what has been written. */
  after(job: EndOfTurn): void {
    this.#last.push(job);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#end);
  }

  readonly #end = (): void => {
    const first = this.#first;
    if (first.length > 0) {
      this.#first = [];
      for (const job of first) job.endTurn();
    }
    const last = this.#last;
    this.#last = [];
    for (const job of last) job.endTurn();
    this.#isScheduled = false;
    if (this.#first.length > 0 || this.#last.length > 0) this.#schedule();
  };
}
