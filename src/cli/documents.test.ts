import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { readDocuments } from "./documents.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-documents-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ["b.yaml", "a.yml", "notes.txt", ".draft.yaml", "sub/c.yaml", ".git/d.yaml"]) {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), name);
}
const io = {
  stdin: Readable.from(["kind: Service"]),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: {},
  cwd: "/",
};

describe("files of a command line", () => {
  it("a directory stands for its YAML files, in order, without hidden ones", async () => {
    const files = await readDocuments([folder], io);
    expect(files.map(({ text }) => text)).toEqual(["a.yml", "b.yaml", "sub/c.yaml"]);
    expect(files[0]?.name).toBe(join(folder, "a.yml"));
  });

  it("- is stdin", async () => {
    expect(await readDocuments(["-"], io)).toEqual([{ name: "stdin", text: "kind: Service" }]);
  });

  it("a file is read whatever its name", async () => {
    expect(await readDocuments([join(folder, "notes.txt")], io)).toHaveLength(1);
  });

  it("what is not there is named", async () => {
    await expect(readDocuments([join(folder, "x.yaml")], io)).rejects.toThrow(
      "x.yaml: no such file or directory",
    );
    const empty = mkdtempSync(join(folder, "empty"));
    await expect(readDocuments([empty], io)).rejects.toThrow("no YAML files in");
  });
});
