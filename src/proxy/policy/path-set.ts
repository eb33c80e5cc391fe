/** Paths to compare with: texts, and templates where `{*}` is one segment and `{**}` any number of them (Istio, Envoy). */

import { formOf, TextSet } from "../http/text-set.ts";
import { looseReading, strictReading } from "./path-reading.ts";

export const ONE = "{*}";
export const ANY = "{**}";

export class PathSet {
  readonly #texts: TextSet;
  readonly #templates: readonly Template[];

  /** `isLoose`: the paths that it will be asked for are in the reading of those that refuse, and so must its own be. */
  constructor(values: readonly string[], isLoose: boolean) {
    const read = readingOf(isLoose);
    const [templates, texts] = [values.filter(isTemplate), values.filter((value) => !isTemplate(value))];
    this.#texts = new TextSet(texts.map(formOf).map(({ form, text }) => ({ form, text: read(text) })));
    this.#templates = templates.map((value) => new Template(segmentsOf(value, isLoose)));
  }

  has(path: string): boolean {
    if (this.#texts.has(path)) return true;
    for (const template of this.#templates) if (template.holds(path)) return true;
    return false;
  }
}

export function readingOf(isLoose: boolean): (path: string) => string {
  return isLoose ? looseReading : strictReading;
}

/** A template's segments, its operators as they are. */
export function segmentsOf(template: string, isLoose: boolean): readonly string[] {
  const read = readingOf(isLoose);
  return template
    .slice(1)
    .split("/")
    .map((segment) => (segment === ONE || segment === ANY ? segment : read(segment)));
}

export function isTemplate(value: string): boolean {
  return value.includes("{");
}

class Template {
  readonly #segments: readonly string[];
  /** Where `{**}` stands, or -1. */
  readonly #any: number;

  constructor(segments: readonly string[]) {
    this.#segments = segments;
    this.#any = segments.indexOf(ANY);
  }

  holds(path: string): boolean {
    const found = path.slice(1).split("/");
    const { length } = this.#segments;
    if (this.#any < 0) return found.length === length && this.#hold(found, 0, length, 0);
    const after = length - this.#any - 1;
    // At the end `{**}` takes what follows a slash, as `/a/*` does; elsewhere it may take nothing.
    if (found.length < length - (after === 0 ? 0 : 1)) return false;
    return (
      this.#hold(found, 0, this.#any, 0) && this.#hold(found, this.#any + 1, length, found.length - after)
    );
  }

  /** Whether segments `[from, to)` of the template hold for those of the path from `at` on. */
  #hold(found: readonly string[], from: number, to: number, at: number): boolean {
    for (let i = from; i < to; i++) {
      const segment = found[at + i - from];
      if (this.#segments[i] === ONE ? segment === "" : segment !== this.#segments[i]) return false;
    }
    return true;
  }
}
