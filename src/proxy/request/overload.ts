/**
 * Whether a traffic loop has more than it can take: it is late, or its process is short of memory. Then what comes new is refused,
 * the least important first, so that what is under way is still answered (Envoy's overload manager).
 */
import os from "node:os";
import type { OverloadLimits, PriorityClass } from "../../discovery/resilience.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";

/** How often the loop asks itself how late it is. */
const SAMPLE_MS = 50;
/** Samples between two looks at the memory. */
const MEMORY_EVERY = 20;
/** Of the delay that was, this much is still held for one after a sample without any: one good moment is not health. */
const DECAY = 0.8;

export class Overload extends Timed {
  /** How late the loop is, in milliseconds; 0 while nobody asks. */
  delayMs = 0;
  /** 0: all may pass; 1: `sheddable` requests may not; 2: `default` ones neither. */
  level: 0 | 1 | 2 = 0;
  #limits: OverloadLimits = {};
  #memoryLevel: 0 | 1 | 2 = 0;
  #samples = 0;
  #expectedAt = 0;
  readonly #wheel: TimerWheel;
  readonly #memory: () => number;

  /** `memory`: share of what the process may have, from 0 to 1. */
  constructor(wheel: TimerWheel, memory: () => number = memoryShare) {
    super();
    this.#wheel = wheel;
    this.#memory = memory;
  }

  configure(limits: OverloadLimits | undefined): void {
    this.#limits = limits ?? {};
    const { loopDelayMs, memoryShare: most } = this.#limits;
    if (loopDelayMs === undefined && most === undefined) {
      this.#wheel.remove(this);
      this.delayMs = 0;
      this.level = 0;
    } else if (this.deadline === 0) this.#arm(this.#wheel.now());
  }

  sheds(of: PriorityClass): boolean {
    return this.level !== 0 && of !== "critical" && (of === "sheddable" || this.level === 2);
  }

  override onDeadline(now: number): void {
    const { loopDelayMs, memoryShare: most } = this.#limits;
    this.delayMs = Math.max(now - this.#expectedAt, this.delayMs * DECAY);
    if (most !== undefined && this.#samples++ % MEMORY_EVERY === 0)
      this.#memoryLevel = levelOf(this.#memory(), most, (1 + most) / 2);
    const late = loopDelayMs === undefined ? 0 : levelOf(this.delayMs, loopDelayMs, 2 * loopDelayMs);
    const short = most === undefined ? 0 : this.#memoryLevel;
    this.level = late > short ? late : short;
    this.#arm(now);
  }

  #arm(now: number): void {
    this.#expectedAt = now + SAMPLE_MS;
    this.#wheel.set(this, this.#expectedAt);
  }
}

function levelOf(value: number, first: number, second: number): 0 | 1 | 2 {
  if (value < first) return 0;
  return value < second ? 1 : 2;
}

/** Of the cgroup's limit where there is one, else of the machine's memory. */
function memoryShare(): number {
  const constrained = process.constrainedMemory();
  const total = os.totalmem();
  return process.memoryUsage.rss() / (constrained > 0 && constrained < total ? constrained : total);
}
