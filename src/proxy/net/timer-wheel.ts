/**
 * Deadlines of everything on a traffic loop: one wheel of 10 ms slots, so that a request costs no timer of its own.
 *
 * A deadline is a number on the entry. Moving it later writes the number alone; the entry stays in its slot and is
 * looked at again when that slot comes up. Only an earlier deadline moves it. (Varghese and Lauck, "Hashed and
 * Hierarchical Timing Wheels", scheme 6; undici's fast timers make the same trade.)
 */

/** Resolution; a deadline fires at most this much late, plus the delay of the loop. */
export const SLOT_MS = 10;
const SLOTS = 1_024;

/** Something with a deadline. Subclasses say what expiry means. */
export abstract class Timed {
  /** Milliseconds of the wheel's clock; 0: none. */
  deadline = 0;
  /** Absolute slot number in which the wheel keeps the entry; -1: in none. */
  slot = -1;
  previous: Timed | null = null;
  next: Timed | null = null;
  abstract onDeadline(now: number): void;
}

/** What wakes a wheel. */
export interface Alarm {
  /** Calls `wake` in `ms` milliseconds; an alarm that was set before is forgotten. */
  set(wake: () => void, ms: number): void;
}

/** A timer of Node's, which keeps no process alive. */
class NodeAlarm implements Alarm {
  #timer: NodeJS.Timeout | null = null;

  set(wake: () => void, ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(wake, ms);
    this.#timer.unref();
  }
}

export class TimerWheel {
  readonly #clock: () => number;
  readonly #alarm: Alarm;
  readonly #wake = () => this.advance();
  readonly #heads: (Timed | null)[] = new Array<Timed | null>(SLOTS).fill(null);
  /** What is left of the slot that fires. */
  #firing: Timed | null = null;
  #current: number;
  #count = 0;
  #armedSlot = Number.POSITIVE_INFINITY;

  constructor(clock: () => number = () => performance.now(), alarm: Alarm = new NodeAlarm()) {
    this.#clock = clock;
    this.#alarm = alarm;
    this.#current = Math.floor(clock() / SLOT_MS);
  }

  now(): number {
    return this.#clock();
  }

  /** Sets or moves the deadline of an entry, in milliseconds of the clock. */
  set(entry: Timed, deadline: number): void {
    entry.deadline = deadline;
    const slot = this.#slotFor(deadline);
    if (entry.slot >= 0) {
      if (entry.slot <= slot) return;
      this.#unlink(entry);
    }
    this.#link(entry, slot);
  }

  /** Forgets the deadline; the entry leaves its slot when that comes up. */
  clear(entry: Timed): void {
    entry.deadline = 0;
  }

  /** Takes the entry out at once, for an owner that goes away. */
  remove(entry: Timed): void {
    entry.deadline = 0;
    if (entry.slot >= 0) this.#unlink(entry);
  }

  /** Fires what is due. The wheel calls it by itself; tests with a clock of their own call it after moving that. */
  advance(): void {
    const now = this.#clock();
    const target = Math.floor(now / SLOT_MS);
    const first = this.#current;
    const last = Math.min(target, first + SLOTS);
    // Moved first: what is put back while others fire counts from now, also after a stall of more than a round.
    this.#current = target;
    for (let slot = first; slot <= last; slot++) this.#fire(slot, now);
    this.#armedSlot = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  #fire(slot: number, now: number): void {
    this.#firing = this.#heads[slot % SLOTS] ?? null;
    this.#heads[slot % SLOTS] = null;
    // What fires may move or remove entries that are still to come, so each is taken off before it is called.
    for (let entry = this.#firing; entry !== null; entry = this.#firing) {
      this.#unlink(entry);
      if (entry.deadline === 0) continue;
      if (entry.deadline > now) this.#link(entry, this.#slotFor(entry.deadline));
      else {
        entry.deadline = 0;
        entry.onDeadline(now);
      }
    }
  }

  #slotFor(deadline: number): number {
    const slot = Math.ceil(deadline / SLOT_MS);
    return Math.max(this.#current + 1, Math.min(slot, this.#current + SLOTS - 1));
  }

  #link(entry: Timed, slot: number): void {
    const head = this.#heads[slot % SLOTS] ?? null;
    entry.slot = slot;
    entry.next = head;
    entry.previous = null;
    if (head !== null) head.previous = entry;
    this.#heads[slot % SLOTS] = entry;
    this.#count++;
    if (slot < this.#armedSlot) this.#armAt(slot);
  }

  #unlink(entry: Timed): void {
    if (entry.previous !== null) entry.previous.next = entry.next;
    else if (this.#firing === entry) this.#firing = entry.next;
    else this.#heads[entry.slot % SLOTS] = entry.next;
    if (entry.next !== null) entry.next.previous = entry.previous;
    entry.slot = -1;
    entry.previous = null;
    entry.next = null;
    this.#count--;
  }

  #arm(): void {
    if (this.#count === 0) return;
    for (let slot = this.#current + 1; slot < this.#current + SLOTS; slot++) {
      if (this.#heads[slot % SLOTS] !== null) {
        if (slot < this.#armedSlot) this.#armAt(slot);
        return;
      }
    }
  }

  #armAt(slot: number): void {
    this.#armedSlot = slot;
    this.#alarm.set(this.#wake, Math.max(1, Math.ceil(slot * SLOT_MS - this.#clock())));
  }
}
