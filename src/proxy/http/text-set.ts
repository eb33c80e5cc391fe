/**
 * Texts to compare with, as policies write them: exact, `prefix*`, `*suffix`, or `*` for anything but nothing. A `*`
 * elsewhere, and every other character, is itself (hostile.md, 30: no name ever becomes an expression).
 */

/** One text taken apart; `any` has an empty text. */
export interface TextForm {
  readonly form: "exact" | "prefix" | "suffix" | "any";
  readonly text: string;
}

export function formOf(value: string): TextForm {
  if (value === "*") return { form: "any", text: "" };
  if (value.endsWith("*")) return { form: "prefix", text: value.slice(0, -1) };
  if (value.startsWith("*")) return { form: "suffix", text: value.slice(1) };
  return { form: "exact", text: value };
}

export class TextSet {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];
  readonly #suffixes: string[] = [];
  #any = false;

  constructor(forms: Iterable<TextForm>) {
    for (const { form, text } of forms) {
      if (form === "any") this.#any = true;
      else if (form === "exact") this.#exact.add(text);
      else if (form === "prefix") this.#prefixes.push(text);
      else this.#suffixes.push(text);
    }
  }

  has(text: string): boolean {
    if (this.#exact.has(text)) return true;
    if (this.#any && text !== "") return true;
    for (const prefix of this.#prefixes) if (text.startsWith(prefix)) return true;
    for (const suffix of this.#suffixes) if (text.endsWith(suffix)) return true;
    return false;
  }
}
