import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileSource } from "./files.ts";

const service = (name: string) =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: 80 }] }\n`;

let directory: string;
let file: string;
let now: number;
let source: FileSource;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-source-"));
  file = join(directory, "a.yaml");
  now = 0;
  writeFileSync(file, service("a"));
  source = new FileSource(directory, undefined, () => now);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const names = () => source.state.resources.map(({ metadata }) => metadata.name);

describe("a file that is emptied", () => {
  it("is being saved: nothing goes until it is written", () => {
    writeFileSync(file, "");
    expect(source.rescan()).toBe(false);
    now = 1_999;
    expect(source.rescan()).toBe(false);
    expect(names()).toEqual(["a"]);
    writeFileSync(file, service("b"));
    expect(source.rescan()).toBe(true);
    expect(names()).toEqual(["b"]);
  });

  it("is being saved for a write through the API, too, which is taken over with it", () => {
    writeFileSync(file, "");
    const id = { kind: "Service", namespace: "default", name: "c" } as const;
    const document = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "c" },
      spec: { ports: [{ port: 80 }] },
    };
    expect(source.edit([{ ...id, document }], false)).toMatchObject({ results: [{ action: "created" }] });
    expect(names()).toEqual(["a"]);
    writeFileSync(file, service("b"));
    expect(source.rescan()).toBe(true);
    expect(names()).toEqual(["b", "c"]);
  });

  it("and stays so was meant to be", () => {
    writeFileSync(file, "");
    source.rescan();
    now = 2_000;
    expect(source.rescan()).toBe(true);
    expect(names()).toEqual([]);
  });
});
