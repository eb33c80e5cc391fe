import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { finishWrites, writeFiles } from "./journal.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "weft-journal-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string) => join(root, name);
const read = (name: string) => readFileSync(at(name), "utf8");

it("writes, deletes and makes directories, and leaves nothing else", () => {
  writeFileSync(at("old.yaml"), "old");
  writeFileSync(at("gone.yaml"), "gone");
  writeFiles(
    root,
    new Map([
      [at("old.yaml"), "new"],
      [at("gone.yaml"), null],
      [at("deep/er/made.yaml"), "made"],
    ]),
  );
  expect(read("old.yaml")).toBe("new");
  expect(read("deep/er/made.yaml")).toBe("made");
  expect(readdirSync(root).sort()).toEqual(["deep", "old.yaml"]);
});

it("finishes what has a journal, also where a part of it was done", () => {
  writeFileSync(at("a.yaml"), "new, moved before the crash");
  writeFileSync(at("b.yaml"), "old");
  writeFileSync(at(".b.yaml.weft-draft"), "new");
  writeFileSync(at("c.yaml"), "to go");
  writeFileSync(at(".weft-journal"), '{"replace":["a.yaml","b.yaml"],"remove":["c.yaml","d.yaml"]}');
  finishWrites(root);
  expect(readdirSync(root).sort()).toEqual(["a.yaml", "b.yaml"]);
  expect(read("b.yaml")).toBe("new");
});

it("drops drafts without a journal", () => {
  mkdirSync(at("deep"));
  writeFileSync(at("b.yaml"), "old");
  writeFileSync(at(".b.yaml.weft-draft"), "new");
  writeFileSync(at("deep/.c.yaml.weft-draft"), "new");
  writeFileSync(at("..weft-journal.weft-draft"), '{"replace":["b.ya');
  finishWrites(root);
  expect(readdirSync(root).sort()).toEqual(["b.yaml", "deep"]);
  expect(read("b.yaml")).toBe("old");
  expect(readdirSync(at("deep"))).toEqual([]);
});

it("changes nothing when one of the files can't be written", () => {
  writeFileSync(at("a.yaml"), "old");
  const changes = new Map([
    [at("a.yaml"), "new"],
    [at("a.yaml/b.yaml"), "in a file"],
  ]);
  expect(() => writeFiles(root, changes)).toThrow();
  expect(readdirSync(root)).toEqual(["a.yaml"]);
  expect(read("a.yaml")).toBe("old");
});

it("writes what a link leads to", () => {
  mkdirSync(at("real"));
  writeFileSync(at("real/a.yaml"), "old");
  symlinkSync("real/a.yaml", at("a.yaml"));
  writeFiles(root, new Map([[at("a.yaml"), "new"]]));
  expect(lstatSync(at("a.yaml")).isSymbolicLink()).toBe(true);
  expect(read("real/a.yaml")).toBe("new");
});

it("has nothing to finish where there is no directory", () => {
  finishWrites(at("nowhere"));
  expect(existsSync(at("nowhere"))).toBe(false);
});
