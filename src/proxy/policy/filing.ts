/** Chooses under which keys rules are filed: those that fewest share, because who has a key asks all that share it. */
import type { Field, Key } from "./field.ts";

/**
 * A way to find a rule. Whatever it takes is taken by one of its alternatives, and there by every field; so one field of each
 * alternative is enough, and of that one key of each value.
 */
export type Filing = readonly (readonly Keys[])[];

/** Of a field: for each value the keys to choose from. */
type Keys = NonNullable<Field["keys"]>;

export class Rarity {
  readonly #counts = new Map<string, Map<string, number>>();

  /** Counts every key that a rule could be filed under. */
  count(filings: readonly Filing[]): void {
    for (const filing of filings) {
      for (const fields of filing) for (const values of fields) for (const keys of values) this.#add(keys);
    }
  }

  /** The best way to file a rule; undefined: there is none. */
  cheapest(filings: readonly Filing[]): readonly Key[] | undefined {
    return this.#least(filings.map((filing) => this.#ofFiling(filing)));
  }

  #add(keys: readonly Key[]): void {
    for (const { dimension, form } of keys) {
      const kind = `${dimension} ${form.form}`;
      let counts = this.#counts.get(kind);
      if (counts === undefined) {
        counts = new Map();
        this.#counts.set(kind, counts);
      }
      counts.set(form.text, (counts.get(form.text) ?? 0) + 1);
    }
  }

  #ofFiling(filing: Filing): readonly Key[] | undefined {
    return together(
      filing.map((fields) => this.#least(fields.map((values) => this.#ofField(values)))),
    )?.flat();
  }

  /** The rarest key of each value. */
  #ofField(values: Keys): readonly Key[] | undefined {
    return together(values.map((keys) => this.#least(keys.map((key) => [key]))?.[0]));
  }

  /** Some keys are as good as the commonest of them. */
  #least(choices: readonly (readonly Key[] | undefined)[]): readonly Key[] | undefined {
    const [first] = choices;
    if (choices.length < 2) return first;
    let best: readonly Key[] | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const choice of choices) {
      const cost = choice === undefined ? Number.POSITIVE_INFINITY : this.#cost(choice);
      if (cost >= least) continue;
      best = choice;
      least = cost;
    }
    return best;
  }

  #cost(keys: readonly Key[]): number {
    let most = 0;
    for (const { dimension, form } of keys) {
      most = Math.max(most, this.#counts.get(`${dimension} ${form.form}`)?.get(form.text) ?? 0);
    }
    return most;
  }
}

/** All of them, if none is missing. */
function together<T>(found: readonly (T | undefined)[]): readonly T[] | undefined {
  return found.includes(undefined) ? undefined : (found as readonly T[]);
}
