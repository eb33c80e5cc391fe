import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contains, WORD } from "./char-set.ts";
import { parseRegex, type Regex } from "./regex-syntax.ts";
import { MAX_REGEX_LENGTH, MAX_STEPS, unsafeRegex } from "./safe-regex.ts";

describe("expressions that may be used", () => {
  it.each([
    "",
    "/v[0-9]+/items",
    "^/(?:a|b)/c$",
    "^/a$|^/b$",
    "(?:abc)+",
    "(foo|bar)?x",
    "(?:/[a-z]+)+",
    "(?:[a-z]+-)*[a-z]+",
    ".*foo",
    "(?:(?:a?))*",
    "/.*/items/.*",
    "/api(?:/.*)?",
    "/[^/]*/a/[^/]*/b",
    "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "[a-z0-9._-]+@[a-z0-9.-]+[.][a-z]{2,}",
    "[a-z0-9-]{0,63}",
    ".*(?:Chrome|Firefox|Safari).*",
    String.raw`Mozilla/5\.0 \(.*\) .*`,
    String.raw`\d{4}-\d\d`,
    String.raw`\bfoo\b`,
    String.raw`a\(b\)*`,
    String.raw`[\]\[)(*+]+`,
    String.raw`\x41\u00e9[\t\w-]`,
    "(?<year>[0-9]{4})",
  ])("%s", (source) => {
    expect(unsafeRegex(source)).toBeUndefined();
  });
});

const SLOW = "can take very long: there are too many ways to match a text that begins with ";

describe("expressions that are refused", () => {
  it.each([
    ["(a+)+$", `${SLOW}"aaaaaaaa"`],
    ["(a*)*", `${SLOW}"aaaaaaaa"`],
    ["(a|aa)+", `${SLOW}"aaaaaaaaaa"`],
    ["(?:a|a)*b", `${SLOW}"aaaaaaa"`],
    ["(a{1,5}){2,9}", `${SLOW}"aaaaaaaa"`],
    ["(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b", `${SLOW}"aaaaaaa"`],
    ["a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?", `${SLOW}"a"`],
    [".*a.*b", `${SLOW}"aaaaaaaaaaaaaaaaaaaaaaaa…"`],
    [".*.*x", `${SLOW}"aaaaaaaaaaaaaaaaaaaaaaaa…"`],
    [String.raw`\d+\d+`, `${SLOW}"000000000000000000000000…"`],
    ["a{99999}", "is too complex to be shown to be fast"],
    [".*a.{30}", "is too complex to be shown to be fast"],
    [String.raw`(a)\1`, "has a backreference"],
    [String.raw`(?<x>a)\k<x>`, "has a backreference"],
    ["(?=a)b", "has a lookaround"],
    ["(?!a)b", "has a lookaround"],
    ["(?<=a)b", "has a lookaround"],
    ["(?<!a)b", "has a lookaround"],
    ["(?i)a", "has a group that begins with (? and is neither (?: nor (?<name>"],
    ["(", "has a ( without )"],
    ["a)", "has a ) without ("],
    ["[a", "has a [ without ]"],
    ["[]a]", "has an empty []"],
    ["[[:alpha:]]", String.raw`has a [ within [] that must be written as \[`],
    ["[z-a]", "has a range in [] that is none"],
    ["*", "has * with nothing to repeat before it"],
    ["a**", "has * with nothing to repeat before it"],
    ["a{2,1}", "has {2,1}, whose numbers are out of order"],
    ["a{,2}", String.raw`has a { that must be written as \{`],
    ["a^b", "has ^ in its midst: the whole value is compared, from end to end"],
    ["(a$)b", "has $ in its midst: the whole value is compared, from end to end"],
    [String.raw`\p{L}`, String.raw`has \p, which not all engines know`],
    [String.raw`\b*`, String.raw`repeats \b or \B`],
    ["(?<a>x)(?<a>y)", "is no valid regular expression"],
    ["😀", "has a character outside of Unicode's basic plane"],
    ["(".repeat(60) + ")".repeat(60), "has groups nested deeper than 50"],
    ["a".repeat(MAX_REGEX_LENGTH + 1), `is longer than ${MAX_REGEX_LENGTH} characters`],
  ])("%s %s", (source, why) => {
    expect(unsafeRegex(source)).toBe(why);
  });

  it("a final .* is no answer where the text may have line ends", () => {
    expect(unsafeRegex(".*/a/.*")).toBeUndefined();
    expect(unsafeRegex(".*/a/.*", { hasLineEnds: true })).toMatch(/^can take very long/);
  });
});

/** A matcher that backtracks as JavaScript's does, and counts the characters that it looks at. */
function backtrack(regex: Regex, text: string): { readonly matches: boolean; readonly looks: number } {
  let looks = 0;
  const run = (node: Regex, at: number, then: (at: number) => boolean): boolean => {
    if (looks > 1_000_000) return false;
    switch (node.kind) {
      case "unit":
        looks++;
        return at < text.length && contains(node.set, text.charCodeAt(at)) && then(at + 1);
      case "boundary": {
        const isWord = (i: number) => contains(WORD, text.charCodeAt(i));
        return (isWord(at - 1) === isWord(at)) === node.isWithin && then(at);
      }
      case "sequence": {
        const next = (i: number, from: number): boolean => {
          const item = node.items[i];
          return item === undefined ? then(from) : run(item, from, (to) => next(i + 1, to));
        };
        return next(0, at);
      }
      case "choice":
        return node.items.some((item) => run(item, at, then));
      case "repeat": {
        const round = (count: number, from: number): boolean => {
          const more =
            count < node.max &&
            run(node.body, from, (to) => (to > from || count < node.min) && round(count + 1, to));
          return more || (count >= node.min && then(from));
        };
        return round(0, at);
      }
    }
  };
  return { matches: run(regex, 0, (at) => at === text.length), looks };
}

const source = fc.letrec<{ regex: string }>((tie) => ({
  regex: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom("a", "b", "/", "[ab]", ".", "[^/]", String.raw`\b`),
    fc.tuple(tie("regex"), tie("regex")).map(([a, b]) => a + b),
    fc.tuple(tie("regex"), tie("regex")).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie("regex"), fc.constantFrom("*", "+", "?", "{2}", "{0,3}", "{1,}"))
      .map(([a, q]) => `(?:${a})${q}`),
  ),
})).regex;
const text = fc
  .tuple(
    fc.stringMatching(/^[ab/]{0,4}$/),
    fc.stringMatching(/^[ab/]{1,4}$/),
    fc.stringMatching(/^[ab/!]{0,3}$/),
  )
  .map(([head, pump, tail]) => head + pump.repeat(60) + tail);

describe("by a matcher that backtracks", () => {
  it("expressions are read as JavaScript reads them", () => {
    fc.assert(
      fc.property(source, fc.stringMatching(/^[ab/!]{0,6}$/), (expression, value) => {
        const parsed = parseRegex(expression);
        if ("problem" in parsed) return;
        expect(backtrack(parsed.regex, value).matches).toBe(new RegExp(`^(?:${expression})$`).test(value));
      }),
      { numRuns: 2_000 },
    );
  });

  it("what may be used looks at most so often at each character", () => {
    fc.assert(
      fc.property(source, text, (expression, value) => {
        if (unsafeRegex(expression) !== undefined) return;
        const parsed = parseRegex(expression);
        if ("problem" in parsed) throw new Error(parsed.problem);
        expect(backtrack(parsed.regex, value).looks).toBeLessThanOrEqual(MAX_STEPS * (value.length + 1));
      }),
      { numRuns: 3_000 },
    );
  });
});
