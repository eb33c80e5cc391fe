/**
 * Regular expressions as a tree. The grammar is what JavaScript, with and without its `u` flag, and RE2 (Envoy's) read
 * alike; everything else is refused with a reason, so that an expression means here what it means elsewhere.
 */
import { type CharSet, charSet, complement, DIGITS, DOT, SPACE, single, WORD } from "./char-set.ts";

export type Regex =
  | { readonly kind: "unit"; readonly set: CharSet }
  | { readonly kind: "sequence"; readonly items: readonly Regex[] }
  | { readonly kind: "choice"; readonly items: readonly Regex[] }
  | { readonly kind: "repeat"; readonly body: Regex; readonly min: number; readonly max: number }
  /** `\b` or `\B`. */
  | { readonly kind: "boundary"; readonly isWithin: boolean };

export type ParsedRegex = { readonly regex: Regex } | { readonly problem: string };

/** The tree of an expression that is compared with the whole of a value, or why it is refused. */
export function parseRegex(source: string): ParsedRegex {
  try {
    return { regex: new Parser(source).parse() };
  } catch (error) {
    if (error instanceof SyntaxProblem) return { problem: error.message };
    throw error;
  }
}

class SyntaxProblem extends Error {}

const DEEPEST = 50;
const QUANTIFIER = /(?:[*+?]|\{(\d{1,5})(,)?(\d{0,5})\})\??/y;
const SIMPLE_ESCAPES: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
  t: single(9),
  n: single(10),
  v: single(11),
  f: single(12),
  r: single(13),
};

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Regex {
    const regex = this.#choice();
    if (this.#at < this.#source.length) throw new SyntaxProblem("has a ) without (");
    return regex;
  }

  #choice(): Regex {
    const items = [this.#sequence()];
    while (this.#take("|")) items.push(this.#sequence());
    const [first] = items;
    return items.length === 1 && first !== undefined ? first : { kind: "choice", items };
  }

  #sequence(): Regex {
    const items: Regex[] = [];
    // The whole value is compared anyway, so anchors at the ends of the whole say nothing.
    if (this.#depth === 0) this.#take("^");
    for (;;) {
      const next = this.#source[this.#at];
      if (next === undefined || next === "|" || next === ")") return { kind: "sequence", items };
      if (next === "$" && this.#depth === 0 && /^\$(?:\||$)/.test(this.#source.slice(this.#at, this.#at + 2)))
        this.#at++;
      else items.push(this.#repeated(this.#one(next)));
    }
  }

  #one(next: string): Regex {
    switch (next) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "unit", set: this.#class() };
      case ".":
        this.#at++;
        return { kind: "unit", set: DOT };
      case "\\":
        return this.#escapeOrBoundary();
      case "^":
      case "$":
        throw new SyntaxProblem(`has ${next} in its midst: the whole value is compared, from end to end`);
      case "*":
      case "+":
      case "?":
        throw new SyntaxProblem(`has ${next} with nothing to repeat before it`);
      case "{":
      case "}":
      case "]":
        throw new SyntaxProblem(`has a ${next} that must be written as \\${next}`);
      default:
        return { kind: "unit", set: single(this.#character()) };
    }
  }

  #repeated(body: Regex): Regex {
    QUANTIFIER.lastIndex = this.#at;
    const found = QUANTIFIER.exec(this.#source);
    if (found === null) return body;
    if (body.kind === "boundary") throw new SyntaxProblem("repeats \\b or \\B");
    this.#at = QUANTIFIER.lastIndex;
    const [whole, from, comma, to] = found;
    if (from === undefined) {
      const min = whole.startsWith("+") ? 1 : 0;
      return { kind: "repeat", body, min, max: whole.startsWith("?") ? 1 : Number.POSITIVE_INFINITY };
    }
    const min = Number(from);
    const max = comma === undefined ? min : to === "" ? Number.POSITIVE_INFINITY : Number(to);
    if (max < min) throw new SyntaxProblem(`has ${whole}, whose numbers are out of order`);
    return { kind: "repeat", body, min, max };
  }

  #group(): Regex {
    this.#at++;
    if (this.#take("?")) this.#groupHead();
    if (++this.#depth > DEEPEST) throw new SyntaxProblem(`has groups nested deeper than ${DEEPEST}`);
    const body = this.#choice();
    this.#depth--;
    if (!this.#take(")")) throw new SyntaxProblem("has a ( without )");
    return body;
  }

  #groupHead(): void {
    if (this.#take(":")) return;
    const rest = this.#source.slice(this.#at, this.#at + 70);
    if (/^(?:[=!]|<[=!])/.test(rest)) throw new SyntaxProblem("has a lookaround");
    const name = /^<[A-Za-z_][A-Za-z0-9_]{0,63}>/.exec(rest);
    if (name === null)
      throw new SyntaxProblem("has a group that begins with (? and is neither (?: nor (?<name>");
    this.#at += name[0].length;
  }

  #escapeOrBoundary(): Regex {
    const next = this.#source[this.#at + 1] ?? "";
    if (next === "b" || next === "B") {
      this.#at += 2;
      return { kind: "boundary", isWithin: next === "B" };
    }
    return { kind: "unit", set: this.#escape() };
  }

  #escape(): CharSet {
    const next = this.#source[this.#at + 1] ?? "";
    if (/[1-9k]/.test(next)) throw new SyntaxProblem("has a backreference");
    const code = /^\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))/.exec(
      this.#source.slice(this.#at, this.#at + 6),
    );
    if (code !== null) {
      this.#at += code[0].length;
      return single(Number.parseInt(code[1] ?? code[2] ?? "", 16));
    }
    this.#at += 2;
    const known = Object.hasOwn(SIMPLE_ESCAPES, next) ? SIMPLE_ESCAPES[next] : undefined;
    if (known !== undefined) return known;
    if (!/[!-/:-@[-`{-~]/.test(next)) throw new SyntaxProblem(`has \\${next}, which not all engines know`);
    return single(next.charCodeAt(0));
  }

  #class(): CharSet {
    this.#at++;
    const isNegated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take("]")) {
      const set = this.#classUnit();
      const isRange = this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push(...set);
        continue;
      }
      this.#at++;
      const [low, high] = [onlyUnit(set), onlyUnit(this.#classUnit())];
      if (low === undefined || high === undefined || high < low)
        throw new SyntaxProblem("has a range in [] that is none");
      ranges.push([low, high]);
    }
    if (ranges.length === 0) throw new SyntaxProblem("has an empty []");
    return isNegated ? complement(charSet(ranges)) : charSet(ranges);
  }

  #classUnit(): CharSet {
    const next = this.#source[this.#at];
    if (next === undefined) throw new SyntaxProblem("has a [ without ]");
    if (next === "[") throw new SyntaxProblem("has a [ within [] that must be written as \\[");
    if (next !== "\\") return single(this.#character());
    if (/[bB]/.test(this.#source[this.#at + 1] ?? "")) throw new SyntaxProblem("has \\b within []");
    return this.#escape();
  }

  #character(): number {
    const unit = this.#source.charCodeAt(this.#at++);
    if (unit >= 0xd800 && unit <= 0xdfff)
      throw new SyntaxProblem("has a character outside of Unicode's basic plane");
    return unit;
  }

  #take(text: string): boolean {
    if (this.#source[this.#at] !== text) return false;
    this.#at++;
    return true;
  }
}

function onlyUnit(set: CharSet): number | undefined {
  const [range] = set;
  return set.length === 1 && range !== undefined && range[0] === range[1] ? range[0] : undefined;
}
