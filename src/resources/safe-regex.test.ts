import { describe, expect, it } from "vitest";
import { MAX_REGEX_LENGTH, unsafeRegex } from "./safe-regex.ts";

describe("expressions that may be used", () => {
  it.each([
    "/v[0-9]+/items",
    "^/(?:a|b)/c$",
    "(?:abc)+",
    "(foo|bar)?x",
    String.raw`\d{4}-\d\d`,
    String.raw`a\(b\)*`,
    "[)(*+]+",
    String.raw`\p{L}+`,
    "(?<year>[0-9]{4})",
    "",
  ])("%s", (source) => {
    expect(unsafeRegex(source)).toBeUndefined();
  });
});

describe("expressions that are refused", () => {
  it.each([
    [String.raw`(a)\1`, "has a backreference"],
    [String.raw`(?<x>a)\k<x>`, "has a backreference"],
    ["(?=a)b", "has a lookaround"],
    ["(?!a)b", "has a lookaround"],
    ["(?<=a)b", "has a lookaround"],
    ["(?<!a)b", "has a lookaround"],
    ["(a+)+", "repeats something that varies itself"],
    ["(?:a*b)*", "repeats something that varies itself"],
    ["(a|aa)+", "repeats something that varies itself"],
    ["(?:(?:a?))*", "repeats something that varies itself"],
    ["(a{1,5}){2,9}", "repeats something that varies itself"],
    ["(", "is no valid regular expression"],
    ["a{2000}", "repeats more than 1000 times"],
    ["a".repeat(MAX_REGEX_LENGTH + 1), "is longer than 1024 characters"],
  ])("%s %s", (source, why) => {
    expect(unsafeRegex(source)).toBe(why);
  });
});
