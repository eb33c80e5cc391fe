import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findRunFile, removeRunFile, runFilePaths, writeRunFile } from "./run-file.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-run-file-"));
// The user's own folder may hold the announcement of a mesh that runs.
beforeAll(() => void vi.stubEnv("TMPDIR", join(folder, "tmp")));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
const run = { pid: process.pid, api: "http://127.0.0.1:1", discovery: "127.0.0.1:2", directory: "/mesh" };

describe("the announcement of a local mesh", () => {
  it("is found from the folder itself and from below, until it is taken back", () => {
    writeRunFile(folder, run);
    const below = join(folder, "a", "b");
    mkdirSync(below, { recursive: true });
    expect(findRunFile(folder)?.run).toEqual(run);
    expect(findRunFile(below)).toEqual({ path: runFilePaths(folder)[0], run });
    removeRunFile(folder, process.pid);
    expect(findRunFile(below)?.run.pid).not.toBe(process.pid);
  });

  it("is ignored when its process is gone", () => {
    writeRunFile(folder, { ...run, pid: 2 ** 22 + 1 });
    expect(findRunFile(folder)?.run.pid).not.toBe(2 ** 22 + 1);
  });

  it("is not taken back by a mesh that another one has replaced", () => {
    writeRunFile(folder, run);
    removeRunFile(folder, process.pid + 1);
    expect(findRunFile(folder)?.run).toEqual(run);
    removeRunFile(folder, process.pid);
  });
});
