import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type LoadedText, loadDirectory } from "./load.ts";
import { LoadMemory } from "./load-memory.ts";

let directory: string;
let memory: LoadMemory<LoadedText>;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-load-"));
  memory = new LoadMemory();
});
afterEach(() => rmSync(directory, { recursive: true }));

const path = (name: string) => join(directory, name);
const service = (name: string, port = 80) =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: ${port} }] }\n`;
const load = () => loadDirectory(directory, memory).resources;

/** As if it had been written long ago. */
function age(name: string, secondsAgo = 60): void {
  const then = Date.now() / 1_000 - secondsAgo;
  utimesSync(path(name), then, then);
}

it("keeps the resources of files that say what they said, as the same objects", () => {
  writeFileSync(path("a.yaml"), service("a"));
  writeFileSync(path("b.yaml"), service("b"));
  const [a, b] = load();
  writeFileSync(path("b.yaml"), service("b", 81));
  const [sameA, otherB] = load();
  expect(sameA).toBe(a);
  expect(otherB).not.toBe(b);
  expect(otherB).toMatchObject({ spec: { ports: [{ port: 81 }] } });
});

it("sees a change of the same length at once after the last", () => {
  for (let port = 80; port < 99; port++) {
    writeFileSync(path("a.yaml"), service("a", port));
    expect(load()).toMatchObject([{ spec: { ports: [{ port }] } }]);
  }
});

it("sees another file of the same length and time under the name", () => {
  writeFileSync(path("a.yaml"), service("a", 80));
  age("a.yaml");
  load();
  writeFileSync(path("new"), service("a", 81));
  age("new");
  renameSync(path("new"), path("a.yaml"));
  expect(load()).toMatchObject([{ spec: { ports: [{ port: 81 }] } }]);
});

it("forgets files that are gone, and tells their issues no more", () => {
  writeFileSync(path("a.yaml"), service("a"));
  writeFileSync(path("b.yaml"), "kind: {");
  expect(loadDirectory(directory, memory).issues.length).toBeGreaterThan(0);
  rmSync(path("b.yaml"));
  expect(loadDirectory(directory, memory).issues).toEqual([]);
  rmSync(path("a.yaml"));
  expect(load()).toEqual([]);
});

it("tells duplicates of remembered files, and takes them back", () => {
  writeFileSync(path("a.yaml"), service("a"));
  writeFileSync(path("b.yaml"), service("a"));
  for (let time = 0; time < 2; time++) {
    const { issues } = loadDirectory(directory, memory);
    expect(issues).toMatchObject([{ line: 3, column: 19, field: "metadata.name" }]);
  }
  rmSync(path("a.yaml"));
  expect(loadDirectory(directory, memory)).toMatchObject({
    issues: [],
    resources: [{ metadata: { name: "a" } }],
  });
});
