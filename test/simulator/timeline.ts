/**
 * Virtual time: what is to happen, in order of time, and of two things at the same time the earlier planned first. Nothing waits;
 * an hour takes as long as what happens in it. It is also the alarm of the timer wheel, so that the wheel fires as in production.
 */
import type { Alarm } from "../../src/proxy/net/timer-wheel.ts";

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Not 0, which the product takes for "no deadline" as its monotonic clock never shows it. */
const START = 1_000;

export class Timeline implements Alarm {
  now = START;
  /** Something has happened. */
  onStep: () => void = () => {};
  readonly #heap: Event[] = [];
  #order = 0;
  #alarmAt = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};

  /** Milliseconds since the start. */
  get elapsed(): number {
    return this.now - START;
  }

  set(wake: () => void, ms: number): void {
    this.#wake = wake;
    this.#alarmAt = this.now + ms;
  }

  /** `run` happens `ms` from now; 0: after what is happening. */
  after(ms: number, run: () => void): void {
    this.#push({ at: this.now + ms, order: this.#order++, run });
  }

  /** `run` happens `ms` after the start. */
  at(ms: number, run: () => void): void {
    this.#push({ at: Math.max(this.now, START + ms), order: this.#order++, run });
  }

  /** Lets everything happen up to `ms` after the start. */
  runUntil(ms: number): void {
    const end = START + ms;
    for (;;) {
      const next = this.#heap[0];
      const at = next === undefined ? Number.POSITIVE_INFINITY : next.at;
      if (Math.min(at, this.#alarmAt) > end) break;
      if (this.#alarmAt < at) {
        this.now = this.#alarmAt;
        this.#alarmAt = Number.POSITIVE_INFINITY;
        this.#wake();
      } else {
        this.now = at;
        this.#pop()?.run();
      }
      this.onStep();
    }
    this.now = end;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        down++;
      }
      if (!isBefore(child, last)) break;
      heap[i] = child;
      i = down;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
