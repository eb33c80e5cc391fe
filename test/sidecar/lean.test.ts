import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const LEAN_FLAGS = ["--max-semi-space-size=1", "--expose-gc"];
const FIXTURE = fileURLToPath(new URL("./lean-fixture.ts", import.meta.url));
let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "weft-lean-"));
});
afterAll(() => rm(cache, { recursive: true }));

async function start(flags: string[], env: Record<string, string>): Promise<{ pid: number; said: unknown }> {
  const child = spawn(process.execPath, [...flags, FIXTURE, "--a b", "c"], {
    env: { NODE_COMPILE_CACHE: cache, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  for await (const chunk of child.stdout) out += String(chunk);
  return { pid: child.pid ?? 0, said: JSON.parse(out) };
}

it("becomes lean from a cold start, as the same process with the same arguments", async () => {
  const { pid, said } = await start([], {});
  expect(said).toEqual({
    pid,
    args: ["--a b", "c"],
    flags: LEAN_FLAGS,
    arenas: "2",
    hasStripper: false,
  });
});

it("stays as it is when it was started lean", async () => {
  const env = {
    ...{ MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "32768" },
    ...{ MALLOC_TRIM_THRESHOLD_: "65536", MALLOC_TOP_PAD_: "0" },
  };
  const { said } = await start(LEAN_FLAGS, env);
  expect(said).toMatchObject({ flags: LEAN_FLAGS, arenas: "1", hasStripper: false });
});

it("restarts at most once for each reason", async () => {
  const { said } = await start([], { WEFT_LEAN: "cached" });
  expect(said).toMatchObject({ flags: [] });
});
