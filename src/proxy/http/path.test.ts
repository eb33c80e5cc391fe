import fc from "fast-check";
import { expect, it } from "vitest";
import { normalTarget } from "../../../test/fuzz/path-reference.ts";
import { normalizePath } from "./path.ts";

function normal(target: string): string {
  const buf = Buffer.from(`<${target}>`, "latin1");
  const end = normalizePath(buf, 1, buf.length - 1);
  expect(buf.toString("latin1", 0, 1)).toBe("<");
  expect(buf.toString("latin1", buf.length - 1)).toBe(">");
  return buf.toString("latin1", 1, end);
}

it.each<[string, string]>([
  ["/", "/"],
  ["/admin", "/admin"],
  ["//admin", "/admin"],
  ["///", "/"],
  ["/a//b/", "/a/b/"],
  ["/%61dmin", "/admin"],
  ["/%41%7e%2D%5f%2E", "/A~-_."],
  ["/a/../admin", "/admin"],
  ["/a/%2e%2e/admin", "/admin"],
  ["/a/.%2E/admin", "/admin"],
  ["/../../admin", "/admin"],
  ["/a/.", "/a/"],
  ["/a/..", "/"],
  ["/a/b/..", "/a/"],
  ["/a/./b", "/a/b"],
  ["/a//../admin", "/admin"],
  ["/...", "/..."],
  ["/.well-known/x", "/.well-known/x"],
  ["/a..b/.c", "/a..b/.c"],
  ["/admin%2f", "/admin%2F"],
  ["/a%2f..%2fadmin", "/a%2F..%2Fadmin"],
  ["/%252f", "/%252f"],
  ["/%2561", "/%2561"],
  ["/caf%c3%a9", "/caf%C3%A9"],
  ["/%00", "/%00"],
  ["/%", "/%"],
  ["/%6", "/%6"],
  ["/%zz", "/%zz"],
  ["/%2%66", "/%2%66"],
  ["/%%32f", "/%%32f"],
  ["/%g%66", "/%g%66"],
  ["/admin;x", "/admin;x"],
  ["/..;/admin", "/..;/admin"],
  ["/a?//../%61", "/a?//../%61"],
  ["//a?b=%61//", "/a?b=%61//"],
  ["/%61/../b?q", "/b?q"],
])("%s is %s", (target, expected) => {
  expect(normal(target)).toBe(expected);
});

it("what is normal stays so, and no dot segment or empty one is left", () => {
  const piece = fc.constantFrom(
    "/",
    "/",
    "a",
    ".",
    "..",
    "%2e",
    "%2E",
    "%2f",
    "%61",
    "%",
    "%2",
    "%66",
    "?",
    ";",
    "B",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const once = normal(`/${pieces.join("")}`);
      const [path = ""] = once.split("?", 1);
      expect(once).toBe(normalTarget(`/${pieces.join("")}`));
      expect(normal(once)).toBe(once);
      expect(path.startsWith("/")).toBe(true);
      expect(path).not.toMatch(/\/\/|\/\.{1,2}(?:\/|$)/);
    }),
    { numRuns: 2_000 },
  );
});
