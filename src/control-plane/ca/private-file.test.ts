import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  createPrivateFile,
  preparePrivateDirectory,
  readPrivateFile,
  replacePrivateFile,
} from "./private-file.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-private-"));
  path = join(directory, "secret");
});
afterEach(() => rmSync(directory, { recursive: true }));

it("of two who make a file, one wins, and both read what it wrote", () => {
  expect(createPrivateFile(path, "first")).toBe(true);
  expect(createPrivateFile(path, "second")).toBe(false);
  expect(readPrivateFile(path, 10)).toEqual({ kind: "text", text: "first" });
});

it("a file is its owner's alone, made or replaced, and leaves no draft", () => {
  createPrivateFile(path, "a");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  replacePrivateFile(path, "b");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toBe("b");
  expect(readdirSync(directory)).toEqual(["secret"]);
});

it("what cannot be written leaves the old file and no draft", () => {
  const missing = join(directory, "none", "secret");
  expect(() => replacePrivateFile(missing, "x")).toThrow();
  expect(readPrivateFile(missing, 10)).toEqual({ kind: "none" });
});

it("drafts of the dead are removed, those of the living stay", () => {
  const [dead, living] = [".secret.0a.draft", ".secret.0b.draft"].map((name) => join(directory, name));
  for (const draft of [dead, living]) writeFileSync(draft ?? "", "key");
  const longAgo = Date.now() / 1000 - 61;
  utimesSync(dead ?? "", longAgo, longAgo);
  writeFileSync(path, "");
  preparePrivateDirectory(directory);
  expect(readdirSync(directory).sort()).toEqual([".secret.0b.draft", "secret"]);
});

it("too large or readable by others is unusable", () => {
  createPrivateFile(path, "12345678901");
  expect(readPrivateFile(path, 10).kind).toBe("unusable");
  expect(readPrivateFile(directory, 1e6).kind).toBe("unusable");
  const shared = join(directory, "shared");
  writeFileSync(shared, "a", { mode: 0o644 });
  expect(readPrivateFile(shared, 10).kind).toBe("unusable");
});
