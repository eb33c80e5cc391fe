import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { editedPath, pathEnd } from "./edit.ts";

/** As routing/rewrite.ts compiles it: a prefix is matched without its trailing slash. */
function replacePrefix(path: string, prefix: string, value: string): string {
  const prefixLength = (prefix.endsWith("/") ? prefix.slice(0, -1) : prefix).length;
  return editedPath({ prefixLength, value: Buffer.from(value) }, path);
}

describe("ReplacePrefixMatch, the table of the Gateway API (HTTPPathModifier)", () => {
  it.each([
    ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
    ["/foo", "/foo", "/xyz", "/xyz"],
    ["/foo/", "/foo", "/xyz", "/xyz/"],
    ["/foo/bar", "/foo", "", "/bar"],
    ["/foo/", "/foo", "", "/"],
    ["/foo", "/foo", "", "/"],
    ["/foo/", "/foo", "/", "/"],
    ["/foo", "/foo", "/", "/"],
    // Beyond the table.
    ["/foo/bar", "/", "/xyz", "/xyz/foo/bar"],
    ["/foo/bar", "/foo", "/", "/bar"],
    ["/foo//bar", "/foo", "/xyz", "/xyz//bar"],
    ["/foo?a=/foo", "/foo", "/xyz", "/xyz?a=/foo"],
    ["/foo/?", "/foo", "", "/?"],
    ["/foo/bar?q?r", "/foo", "/x/y", "/x/y/bar?q?r"],
    ["*", "/", "/xyz", "*"],
  ])("%s, prefix %s, replaced by “%s”: %s", (path, prefix, value, edited) => {
    expect(replacePrefix(path, prefix, value)).toBe(edited);
  });

  it("is what joining segments gives, and keeps the query", () => {
    const segment = fc.stringMatching(/^[a-z0-9%._~-]{1,5}$/);
    const segments = fc.array(segment, { maxLength: 4 });
    const slash = fc.boolean();
    const query = fc.oneof(fc.constant(""), fc.stringMatching(/^[?][a-z=&/?]{0,8}$/));
    fc.assert(
      fc.property(
        segments,
        segments,
        segments,
        slash,
        slash,
        slash,
        query,
        (prefix, rest, value, a, b, c, query) => {
          const join = (list: readonly string[]) => list.map((text) => `/${text}`).join("");
          const endsWithSlash = a || prefix.length + rest.length === 0;
          const path = `${join([...prefix, ...rest])}${endsWithSlash ? "/" : ""}`;
          const written = `${join(prefix)}${b || prefix.length === 0 ? "/" : ""}`;
          const replacement = `${join(value)}${c ? "/" : ""}`;
          const expected = join([...value, ...rest]);
          const edited = replacePrefix(path + query, written, replacement);
          expect(edited.endsWith(query)).toBe(true);
          const bare = edited.slice(0, edited.length - query.length);
          expect(bare.startsWith("/")).toBe(true);
          expect(bare.replace(/\/$/, "")).toBe(expected);
          if (rest.length > 0) expect(bare.endsWith("/")).toBe(endsWithSlash);
        },
      ),
      runs(1_000),
    );
  });
});

it("ReplaceFullPath keeps nothing but the query", () => {
  const edit = { prefixLength: -1, value: Buffer.from("/new") };
  expect(editedPath(edit, "/a/b?c=d?e")).toBe("/new?c=d?e");
  expect(editedPath(edit, "/")).toBe("/new");
});

it("the path ends at the first question mark", () => {
  const bytes = Buffer.from("GET /a?b?c");
  expect(pathEnd(bytes, 4, bytes.length)).toBe(6);
  expect(pathEnd(bytes, 4, 5)).toBe(5);
});
