/**
 * Finds the first rule that takes a request without asking them all: each rule is filed under the keys that fewest others
 * share, and a request asks those rules alone whose keys it has. What has no key is asked every time, after the others.
 */
import { BlockMap } from "./address.ts";
import { claimValues, requestPrincipal } from "./claims.ts";
import type { Key } from "./field.ts";
import { headerTexts } from "./header-field.ts";
import { looseReading } from "./path-reading.ts";
import type { CompiledRule, Filing } from "./rule.ts";
import { TextIndex } from "./text-index.ts";
import type { RequestView } from "./view.ts";

export class RuleIndex {
  readonly #all: readonly CompiledRule[];
  readonly #texts: { readonly read: Read; readonly index: TextIndex<CompiledRule> }[] = [];
  readonly #blocks = new BlockMap<CompiledRule>();
  #hasBlocks = false;
  readonly #unfiled: CompiledRule[] = [];

  /** `rules` in their order. */
  constructor(rules: readonly CompiledRule[]) {
    this.#all = rules;
    const counts = new Map<string, number>();
    for (const rule of rules) {
      for (const key of rule.filings.flat(3)) counts.set(nameOf(key), (counts.get(nameOf(key)) ?? 0) + 1);
    }
    const indexes = new Map<string, TextIndex<CompiledRule>>();
    for (const rule of rules) {
      const keys = cheapest(rule.filings, counts);
      if (keys === undefined) this.#unfiled.push(rule);
      for (const key of keys ?? []) this.#file(key, rule, indexes);
    }
    for (const [dimension, index] of indexes) this.#texts.push({ read: readerOf(dimension), index });
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
    for (const { read, index } of this.#texts) {
      const found = read(view);
      if (typeof found === "string") index.find(found, visit);
      else if (found !== null) for (const text of found) index.find(text, visit);
    }
    if (this.#hasBlocks && view.address !== null) this.#blocks.find(view.address).forEach(visit);
    visit(this.#unfiled);
    return best;
  }

  #file({ dimension, form }: Key, rule: CompiledRule, indexes: Map<string, TextIndex<CompiledRule>>): void {
    if (form.form === "block") {
      this.#blocks.add(form.text, rule);
      this.#hasBlocks = true;
      return;
    }
    let index = indexes.get(dimension);
    if (index === undefined) {
      index = new TextIndex();
      indexes.set(dimension, index);
    }
    index.add(form, rule);
  }
}

function nameOf({ dimension, form }: Key): string {
  return `${dimension} ${form.form} ${form.text}`;
}

/** Of all ways to find a rule the one whose commonest key fewest rules share. */
function cheapest(
  filings: readonly Filing[],
  counts: ReadonlyMap<string, number>,
): readonly Key[] | undefined {
  const costOf = (keys: readonly Key[]) =>
    keys.reduce((most, key) => Math.max(most, counts.get(nameOf(key)) ?? 0), 0);
  let best: readonly Key[] | undefined;
  for (const filing of filings) {
    const chosen = filing.map((choices) => least(choices, costOf));
    if (chosen.some((keys) => keys === undefined)) continue;
    const keys = chosen.flatMap((each) => each ?? []);
    if (best === undefined || costOf(keys) < costOf(best)) best = keys;
  }
  return best;
}

function least<T>(choices: readonly T[], costOf: (choice: T) => number): T | undefined {
  return choices.reduce<T | undefined>(
    (best, choice) => (best === undefined || costOf(choice) < costOf(best) ? choice : best),
    undefined,
  );
}

type Read = (view: RequestView) => string | readonly string[] | null;

const READERS: Readonly<Record<string, Read>> = {
  principal: (view) => view.principal,
  namespace: (view) => view.namespace,
  subject: (view) => requestPrincipal(view.claims),
  port: (view) => String(view.port),
  host: ({ http }) => http?.host ?? null,
  method: ({ http }) => http?.method ?? null,
  "loose method": ({ http }) => http?.method.toUpperCase() ?? null,
  path: ({ http }) => http?.path ?? null,
  "loose path": ({ http }) => (http === null ? null : looseReading(http.path)),
};

/** What of a request is looked up in the index of a dimension. */
function readerOf(dimension: string): Read {
  const known = READERS[dimension];
  if (known !== undefined) return known;
  const rest = dimension.slice(dimension.indexOf(" ") + 1);
  if (dimension.startsWith("header ")) return ({ http }) => headerTexts(http?.header(rest, false) ?? []);
  const path: readonly string[] = JSON.parse(rest);
  return (view) => claimValues(view.claims, path);
}
