/** What differed, how often, with the latest example: at most so many different things, the rest only counted. */
import type { Finding } from "./compare.ts";

export interface TallyRow {
  /** Comparisons that showed it. */
  readonly count: number;
  readonly kind: Finding["kind"];
  /** Of the latest; absent: not shown, or there is no such value. */
  readonly real?: string;
  readonly mirror?: string;
}

export class Tally {
  readonly #max: number;
  readonly #rows = new Map<string, TallyRow>();
  /** Findings about things that there is no room for. */
  leftOut = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(findings: ReadonlyMap<string, Finding>, showsValues: boolean): void {
    for (const [name, finding] of findings) {
      const before = this.#rows.get(name);
      if (before === undefined && this.#rows.size >= this.#max) this.leftOut++;
      else this.#rows.set(name, row((before?.count ?? 0) + 1, finding, showsValues));
    }
  }

  /** The most frequent first. */
  rows(): (TallyRow & { readonly name: string })[] {
    return [...this.#rows].map(([name, of]) => ({ name, ...of })).sort((a, b) => b.count - a.count);
  }
}

function row(count: number, { kind, real, mirror }: Finding, showsValues: boolean): TallyRow {
  if (!showsValues && kind !== "not_json") return { count, kind };
  return { count, kind, ...(real !== null && { real }), ...(mirror !== null && { mirror }) };
}
