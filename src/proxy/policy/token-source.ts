/** Where in a request a token may be (RFC 6750 §2), by the rules that believe tokens from there. */
import type { TokenRule } from "../../discovery/policy.ts";
import type { Head } from "../http/head.ts";

export interface FoundToken {
  readonly text: string;
  /** The field that holds it, in lower case; empty: a parameter does. */
  readonly header: string;
  /** Those that believe tokens from where it is. */
  readonly rules: readonly TokenRule[];
}

/** `twice`: different tokens, of which nobody can say which one counts. */
export type Found =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: FoundToken }
  | { readonly kind: "twice" };

interface HeaderPlace {
  readonly name: Buffer;
  readonly text: string;
  readonly prefix: string;
  readonly rules: readonly TokenRule[];
}

interface ParamPlace {
  readonly name: string;
  readonly rules: readonly TokenRule[];
}

const NONE: Found = { kind: "none" };
const TWICE: Found = { kind: "twice" };

export class TokenSource {
  readonly #headers: readonly HeaderPlace[];
  readonly #params: readonly ParamPlace[];

  constructor(rules: readonly TokenRule[]) {
    const headers = new Map<string, HeaderPlace>();
    for (const { name, prefix } of rules.flatMap((rule) => rule.headers)) {
      const isHere = (place: { name: string; prefix: string }) =>
        place.name === name && place.prefix === prefix;
      const those = rules.filter((rule) => rule.headers.some(isHere));
      headers.set(`${name} ${prefix}`, {
        name: Buffer.from(name, "latin1"),
        text: name,
        prefix,
        rules: those,
      });
    }
    this.#headers = [...headers.values()];
    this.#params = [...new Set(rules.flatMap(({ params }) => params))].map((name) => ({
      name,
      rules: rules.filter(({ params }) => params.includes(name)),
    }));
  }

  find(head: Head): Found {
    let found: FoundToken | null = null;
    for (const { name, text, prefix, rules } of this.#headers) {
      for (let field = head.findName(name); field >= 0; field = head.findName(name, field + 1)) {
        const token = withoutPrefix(head.value(field), prefix);
        if (token === null) continue;
        if (found !== null && found.text !== token) return TWICE;
        found ??= { text: token, header: text, rules };
      }
    }
    for (const token of this.#inQuery(head)) {
      if (found !== null && found.text !== token.text) return TWICE;
      found ??= token;
    }
    return found === null ? NONE : { kind: "token", token: found };
  }

  #inQuery(head: Head): readonly FoundToken[] {
    if (this.#params.length === 0) return [];
    const path = head.path();
    const query = path.indexOf("?");
    if (query < 0) return [];
    const values = new URLSearchParams(path.slice(query + 1));
    return this.#params.flatMap(({ name, rules }) =>
      values.getAll(name).flatMap((text) => (text === "" ? [] : [{ text, header: "", rules }])),
    );
  }
}

/** Schemes are told apart without regard to case (RFC 9110 §11.1); null: the field holds something else, or nothing. */
function withoutPrefix(value: string, prefix: string): string | null {
  if (value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return null;
  const token = value.slice(prefix.length).trim();
  return token === "" ? null : token;
}
