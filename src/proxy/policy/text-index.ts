/**
 * Finds lists of rules by a text: one hash for the exact ones, one for each length of prefix and of suffix that occurs. A
 * thousand prefixes cost as many look-ups as they have different lengths, which the text's own length bounds.
 */
import type { TextForm } from "../http/text-set.ts";

interface Level<T> {
  readonly length: number;
  readonly map: Map<string, T[]>;
}

export class TextIndex<T> {
  readonly #exact = new Map<string, T[]>();
  /** Shortest first. */
  readonly #prefixes: Level<T>[] = [];
  readonly #suffixes: Level<T>[] = [];

  add({ form, text }: TextForm, value: T): void {
    const map =
      form === "exact"
        ? this.#exact
        : levelOf(form === "prefix" ? this.#prefixes : this.#suffixes, text.length);
    const values = map.get(text);
    if (values === undefined) map.set(text, [value]);
    else if (values.at(-1) !== value) values.push(value);
  }

  /** Calls `visit` with each list whose text holds. */
  find(text: string, visit: (values: readonly T[]) => void): void {
    const exact = this.#exact.get(text);
    if (exact !== undefined) visit(exact);
    for (const { length, map } of this.#prefixes) {
      if (length > text.length) break;
      const values = map.get(text.slice(0, length));
      if (values !== undefined) visit(values);
    }
    for (const { length, map } of this.#suffixes) {
      if (length > text.length) break;
      const values = map.get(text.slice(text.length - length));
      if (values !== undefined) visit(values);
    }
  }
}

function levelOf<T>(levels: Level<T>[], length: number): Map<string, T[]> {
  const at = levels.findIndex((level) => level.length >= length);
  const found = levels[at];
  if (found?.length === length) return found.map;
  const level = { length, map: new Map<string, T[]>() };
  levels.splice(at < 0 ? levels.length : at, 0, level);
  return level.map;
}
