/** Paths to compare with: texts, and templates where `{*}` is one segment and `{**}` any number of them (Istio, Envoy). */
import { looseReading, strictReading } from "./path-reading.ts";
import { formOf, type TextForm, TextSet } from "./text-set.ts";

const ONE = "{*}";
const ANY = "{**}";

export class PathSet {
  readonly #texts: TextSet;
  readonly #templates: readonly Template[];

  /** `isLoose`: the paths that it will be asked for are in the reading of those that refuse, and so must its own be. */
  constructor(values: readonly string[], isLoose: boolean) {
    const read = isLoose ? looseReading : strictReading;
    const read1 = (segment: string) => (segment === ONE || segment === ANY ? segment : read(segment));
    this.#texts = new TextSet(values.filter((value) => !isTemplate(value)).map((v) => pathForm(v, isLoose)));
    this.#templates = values
      .filter(isTemplate)
      .map((value) => new Template(value.slice(1).split("/").map(read1)));
  }

  has(path: string): boolean {
    if (this.#texts.has(path)) return true;
    for (const template of this.#templates) if (template.holds(path)) return true;
    return false;
  }
}

/** What a path's form is looked up by: for a template the longer of what stands before and after its operators. */
export function pathForm(value: string, isLoose: boolean): TextForm {
  const read = isLoose ? looseReading : strictReading;
  if (!isTemplate(value)) {
    const { form, text } = formOf(value);
    return { form, text: read(text) };
  }
  const before = read(value.slice(0, value.indexOf("{")));
  const after = read(value.slice(value.lastIndexOf("}") + 1));
  return after.length > before.length ? { form: "suffix", text: after } : { form: "prefix", text: before };
}

function isTemplate(value: string): boolean {
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
