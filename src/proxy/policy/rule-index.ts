/**
 * Finds the first rule that takes a request without asking them all: each rule is filed under the keys that fewest others
 * share, and a request asks those rules alone whose keys it has. What has no key is asked every time, after the others.
 */
import { BlockMap } from "./address.ts";
import type { Key } from "./field.ts";
import { type Filing, Rarity } from "./filing.ts";
import { type Read, readerOf } from "./readers.ts";
import type { CompiledRule } from "./rule.ts";
import { TextIndex } from "./text-index.ts";
import type { RequestView } from "./view.ts";

/** Rules that are filed before others get a turn. */
const RULES_A_STEP = 50;

/** A rule with the ways to find it, which are forgotten once it is filed. */
export interface FiledRule {
  readonly rule: CompiledRule;
  readonly filings: readonly Filing[];
}

export class RuleIndex {
  readonly #all: readonly CompiledRule[];
  readonly #texts = new Map<string, { readonly read: Read; readonly index: TextIndex<CompiledRule> }>();
  readonly #blocks = new BlockMap<CompiledRule>();
  #hasBlocks = false;
  readonly #unfiled: CompiledRule[] = [];

  private constructor(rules: readonly FiledRule[]) {
    this.#all = rules.map(({ rule }) => rule);
  }

  /** Files rules, which come in their order, step by step: thousands take longer than traffic may wait. */
  static *build(rules: readonly FiledRule[]): Generator<undefined, RuleIndex> {
    const index = new RuleIndex(rules);
    const rarity = new Rarity();
    for (const [i, { filings }] of rules.entries()) {
      rarity.count(filings);
      if (i % RULES_A_STEP === RULES_A_STEP - 1) yield;
    }
    for (const [i, { rule, filings }] of rules.entries()) {
      const keys = rarity.cheapest(filings);
      if (keys === undefined) index.#unfiled.push(rule);
      for (const key of keys ?? []) index.#file(key, rule);
      if (i % RULES_A_STEP === RULES_A_STEP - 1) yield;
    }
    return index;
  }

  get size(): number {
    return this.#all.length;
  }

  /** The first rule, in their order, that takes the request; null: none does. */
  first(view: RequestView): CompiledRule | null {
    // Without HTTP the rules that need it mean something else, which no key tells; and connections are few.
    if (view.http === null) return this.#all.find((rule) => rule.takes(view)) ?? null;
    let best: CompiledRule | null = null;
    const visit = (rules: readonly CompiledRule[]) => {
      for (const rule of rules) {
        if (best !== null && rule.order >= best.order) return;
        if (rule.takes(view)) {
          best = rule;
          return;
        }
      }
    };
    for (const { read, index } of this.#texts.values()) {
      const found = read(view);
      if (typeof found === "string") index.find(found, visit);
      else if (found !== null) for (const text of found) index.find(text, visit);
    }
    if (this.#hasBlocks && view.address !== null) this.#blocks.find(view.address).forEach(visit);
    visit(this.#unfiled);
    return best;
  }

  #file({ dimension, form }: Key, rule: CompiledRule): void {
    if (form.form === "block") {
      this.#blocks.add(form.text, rule);
      this.#hasBlocks = true;
      return;
    }
    let found = this.#texts.get(dimension);
    if (found === undefined) {
      found = { read: readerOf(dimension), index: new TextIndex() };
      this.#texts.set(dimension, found);
    }
    found.index.add(form, rule);
  }
}
