/**
 * Which regular expressions may stand in a route. They run on the traffic loop, in JavaScript's backtracking engine, over
 * bytes that strangers choose, so an expression is let in only if no text can make it slow:
 *
 * - its grammar is what RE2 (Envoy's engine) and JavaScript read alike: no backreferences, no lookaround, no flags;
 * - it has at most 1,024 characters;
 * - however a text begins, at most 256 steps lead on from there, over all ways to have read it so far. A backtracking
 *   engine takes each of these steps at most once, so its time grows with the length of the text and no faster.
 *
 * The last rule is decided by going through all sets of ways that any text can lead to (`Automaton`), not by the looks of
 * the expression: `(a+)+`, `(a|aa)*`, `a?a?a?…` and `.*a.*b` are refused with a text that shows why, `(?:/[a-z]+)+` and
 * an expression for `/`, anything, `/items/`, anything are not. Where going through them all would itself take long, the expression is refused as well.
 */
import { contains } from "./char-set.ts";
import { type Automaton, automatonOf, type Steps } from "./regex-automaton.ts";
import { parseRegex } from "./regex-syntax.ts";

/** Longest expression, in characters. */
export const MAX_REGEX_LENGTH = 1024;

/** Most steps that may lead on from any beginning of a text. */
export const MAX_STEPS = 256;

/** Most elementary operations that one check may take (about ten milliseconds). */
const BUDGET = 100_000;

export interface RegexUse {
  /** Whether the text may have line ends, which `.` does not match; default: no. */
  readonly hasLineEnds?: boolean;
}

/** Why `source` is refused as an expression for a whole value, or undefined if it may be used. */
export function unsafeRegex(source: string, { hasLineEnds = false }: RegexUse = {}): string | undefined {
  if (source.length > MAX_REGEX_LENGTH) return `is longer than ${MAX_REGEX_LENGTH} characters`;
  const parsed = parseRegex(source);
  if ("problem" in parsed) return parsed.problem;
  try {
    new RegExp(`^(?:${source})$`);
  } catch {
    return "is no valid regular expression";
  }
  const automaton = automatonOf(parsed.regex, BUDGET);
  return automaton === undefined ? TOO_COMPLEX : new Search(automaton, hasLineEnds).run();
}

const TOO_COMPLEX = "is too complex to be shown to be fast";

/** One way of reading the beginning of a text: position → number of ways to be there. */
interface Reading {
  readonly ways: Steps;
  readonly from: Reading | undefined;
  readonly letter: string;
}

/** Breadth first, so that the text that shows why is a shortest one. */
class Search {
  readonly #automaton: Automaton;
  readonly #hasLineEnds: boolean;
  readonly #letters: readonly number[];
  /** By position: for each letter, the steps that take it. */
  readonly #taking = new Map<number, readonly Steps[]>();
  #budget = BUDGET;

  constructor(automaton: Automaton, hasLineEnds: boolean) {
    this.#automaton = automaton;
    this.#hasLineEnds = hasLineEnds;
    this.#letters = lettersOf(automaton);
  }

  run(): string | undefined {
    const start = -1;
    const queue: Reading[] = [{ ways: new Map([[start, 1]]), from: undefined, letter: "" }];
    const seen = new Set<string>();
    for (const reading of queue) {
      if (this.#stepsOf(reading.ways) > MAX_STEPS) return tooManyWays(textOf(reading));
      for (const [index, letter] of this.#letters.entries()) {
        const ways = this.#next(reading.ways, index);
        if (this.#budget < 0) return TOO_COMPLEX;
        if (ways.size === 0) continue;
        const key = [...ways].sort(([a], [b]) => a - b).join(";");
        if (seen.has(key)) continue;
        seen.add(key);
        queue.push({ ways, from: reading, letter: String.fromCharCode(letter) });
      }
    }
    return undefined;
  }

  #stepsOf(ways: Steps): number {
    let sum = 0;
    for (const [position, count] of ways) {
      let steps = 1;
      for (const n of this.#follow(position).values()) steps += n;
      sum += count * steps;
    }
    return sum;
  }

  #next(ways: Steps, letter: number): Steps {
    const next: Steps = new Map();
    for (const [position, count] of ways) {
      const steps = this.#stepsTaking(position)[letter];
      this.#budget -= 1 + (steps?.size ?? 0);
      for (const [target, n] of steps ?? []) {
        if (this.#hasLineEnds || this.#automaton.isSettled[target] !== true)
          next.set(target, (next.get(target) ?? 0) + n * count);
      }
    }
    return next;
  }

  #stepsTaking(position: number): readonly Steps[] {
    let known = this.#taking.get(position);
    if (known === undefined) {
      const follow = [...this.#follow(position)];
      this.#budget -= follow.length * this.#letters.length;
      known = this.#letters.map(
        (letter) =>
          new Map(follow.filter(([target]) => contains(this.#automaton.sets[target] ?? [], letter))),
      );
      this.#taking.set(position, known);
    }
    return known;
  }

  #follow(position: number): Steps {
    return (position < 0 ? this.#automaton.first : this.#automaton.follow[position]) ?? new Map();
  }
}

/** One unit for each class of units that no set of the expression tells apart; readable ones where there are. */
function lettersOf({ sets }: Automaton): readonly number[] {
  const distinct = [...new Map(sets.map((set) => [set.join(), set])).values()];
  const bounds = new Set<number>([0]);
  for (const [first, last] of distinct.flat()) bounds.add(first).add(last + 1);
  const sorted = [...bounds].filter((bound) => bound <= 0xffff).sort((a, b) => a - b);
  const classes = new Map<string, number>();
  for (const [i, bound] of sorted.entries()) {
    const end = sorted[i + 1] ?? 0x1_0000;
    const letter = [97, 48, 65, 47, 33].find((unit) => bound <= unit && unit < end) ?? bound;
    const signature = distinct.map((set) => (contains(set, letter) ? "1" : "0")).join("");
    const known = classes.get(signature);
    if (known === undefined || (letter > 32 && letter < 127 && !(known > 32 && known < 127)))
      classes.set(signature, letter);
  }
  return [...classes.values()];
}

function textOf(reading: Reading): string {
  let text = "";
  for (let at: Reading | undefined = reading; at !== undefined; at = at.from) text = at.letter + text;
  return text;
}

function tooManyWays(text: string): string {
  const shown = text.length > 24 ? `${text.slice(0, 24)}…` : text;
  return `can take very long: there are too many ways to match a text that begins with ${JSON.stringify(shown)}`;
}
