import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findProgram } from "./program.ts";

let folder = "";
let isRoot = false;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-program-"));
  for (const name of ["bin", "closed"]) mkdirSync(join(folder, name));
  symlinkSync("loop", join(folder, "loop"));
  writeFileSync(join(folder, "file"), "");
  for (const name of ["bin/tool", "closed/tool"])
    writeFileSync(join(folder, name), "#!/bin/sh\n", { mode: 0o755 });
  chmodSync(join(folder, "closed"), 0o000);
  chmodSync(folder, 0o755);
  // Root may look everywhere.
  isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
});
afterAll(() => {
  if (isRoot) process.seteuid?.(0);
  chmodSync(join(folder, "closed"), 0o755);
  rmSync(folder, { recursive: true });
});

const find = (name: string, ...path: readonly string[]) =>
  findProgram(name, path.map((each) => join(folder, each)).join(":"), folder);

it.each(["closed", "loop", "file", "nonesuch", "x".repeat(300)])(
  "goes on behind a folder of the search path in which nothing can be looked for: %s",
  (first) => {
    expect(find("tool", first, "bin")).toEqual({ kind: "found", file: join(folder, "bin/tool"), args: [] });
    expect(find("tool", first)).toEqual({ kind: "missing" });
  },
);

it("tells of a file that is named and can't be reached", () => {
  expect(find("closed/tool")).toEqual({ kind: "notExecutable", file: join(folder, "closed/tool") });
  expect(find(`bin/${"x".repeat(300)}`)).toEqual({ kind: "missing" });
});
