/**
 * A regular expression as positions and steps between them (Glushkov's automaton), with how many ways lead along each
 * step. The number matters: a backtracking engine, as JavaScript's is, tries every way, also those that end alike, so
 * `(a*)*` has two steps from `a` to `a` where an automaton for mere acceptance has one.
 */
import { type CharSet, DOT } from "./char-set.ts";
import type { Regex } from "./regex-syntax.ts";

/** Target position → number of ways. */
export type Steps = Map<number, number>;

export interface Automaton {
  /** What each position accepts. */
  readonly sets: readonly CharSet[];
  /** Where one may go from each position. */
  readonly follow: readonly Steps[];
  /** Where one may begin. */
  readonly first: Steps;
  /** Positions that accept the rest of any one line, whatever it is: once there, the answer is yes. */
  readonly isSettled: readonly boolean[];
}

/** Most ways through something that takes no character. */
const MAX_EMPTY_WAYS = 16;

interface Part {
  readonly first: Steps;
  readonly last: Steps;
  /** Ways to take nothing. */
  readonly empty: number;
}

/** Undefined where the expression, written out without counts, has more than `budget` steps. */
export function automatonOf(regex: Regex, budget: number): Automaton | undefined {
  const builder = new Builder(budget);
  const whole = builder.part(regex);
  if (whole === undefined) return undefined;
  const { sets, follow, hasBoundary } = builder;
  const isSettled = sets.map((set, position) => {
    const steps = follow[position];
    return (
      !hasBoundary && coversLine(set) && whole.last.has(position) && steps?.size === 1 && steps.has(position)
    );
  });
  return { sets, follow, first: whole.first, isSettled };
}

class Builder {
  readonly sets: CharSet[] = [];
  readonly follow: Steps[] = [];
  hasBoundary = false;
  #budget: number;

  constructor(budget: number) {
    this.#budget = budget;
  }

  part(regex: Regex): Part | undefined {
    switch (regex.kind) {
      case "unit": {
        if (--this.#budget < 0) return undefined;
        const position = this.sets.push(regex.set) - 1;
        this.follow.push(new Map());
        return { first: new Map([[position, 1]]), last: new Map([[position, 1]]), empty: 0 };
      }
      case "boundary":
        this.hasBoundary = true;
        return nothing();
      case "sequence":
        return this.#sequence(regex.items.map((item) => () => this.part(item)));
      case "choice":
        return this.#choice(regex.items);
      case "repeat":
        return this.#repeat(regex.body, regex.min, regex.max);
    }
  }

  #sequence(items: readonly (() => Part | undefined)[]): Part | undefined {
    let whole: Part | undefined = nothing();
    for (const item of items) {
      const next = item();
      if (next === undefined) return undefined;
      whole = this.#then(whole, next);
      if (whole === undefined) return undefined;
    }
    return whole;
  }

  #then(a: Part, b: Part): Part | undefined {
    if (!this.#connect(a.last, b.first)) return undefined;
    const first = new Map(a.first);
    const last = new Map(b.last);
    if (a.empty > 0 && !this.#add(first, b.first, a.empty)) return undefined;
    if (b.empty > 0 && !this.#add(last, a.last, b.empty)) return undefined;
    return checked({ first, last, empty: a.empty * b.empty });
  }

  #choice(items: readonly Regex[]): Part | undefined {
    const [first, last]: [Steps, Steps] = [new Map(), new Map()];
    let empty = 0;
    for (const item of items) {
      const part = this.part(item);
      if (part === undefined || !this.#add(first, part.first, 1) || !this.#add(last, part.last, 1))
        return undefined;
      empty += part.empty;
    }
    return checked({ first, last, empty });
  }

  /** `x{2,4}` is `xx(x(x)?)?`, and `x{2,}` is `xxx*`. */
  #repeat(body: Regex, min: number, max: number): Part | undefined {
    let rest: Part | undefined = nothing();
    if (max === Number.POSITIVE_INFINITY) {
      rest = this.part(body);
      if (rest === undefined || !this.#connect(rest.last, rest.first)) return undefined;
      rest = checked({ ...rest, empty: rest.empty + 1 });
    } else {
      for (let i = min; i < max && rest !== undefined; i++) {
        const once = this.part(body);
        const more: Part | undefined = once === undefined ? undefined : this.#then(once, rest);
        rest = more === undefined ? undefined : checked({ ...more, empty: more.empty + 1 });
      }
    }
    if (rest === undefined) return undefined;
    const optional = rest;
    return this.#sequence([...Array.from({ length: min }, () => () => this.part(body)), () => optional]);
  }

  #connect(from: Steps, to: Steps): boolean {
    for (const [position, ways] of from) {
      const steps = this.follow[position];
      if (steps === undefined || !this.#add(steps, to, ways)) return false;
    }
    return true;
  }

  #add(into: Steps, steps: Steps, times: number): boolean {
    this.#budget -= steps.size;
    for (const [position, ways] of steps) into.set(position, (into.get(position) ?? 0) + ways * times);
    return this.#budget >= 0;
  }
}

function nothing(): Part {
  return { first: new Map(), last: new Map(), empty: 1 };
}

function checked(part: Part): Part | undefined {
  return part.empty > MAX_EMPTY_WAYS ? undefined : part;
}

function coversLine(set: CharSet): boolean {
  return DOT.every(([first, last]) => set.some(([a, b]) => a <= first && last <= b));
}
