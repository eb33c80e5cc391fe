import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { quoted } from "./keeper.ts";

it.each(["/tmp/weft-run", "it's here", "''", '$(x) `y` \\ " *'])("%s is one word of a shell", (text) => {
  expect(execFileSync("/bin/sh", ["-c", `printf %s ${quoted(text)}`], { encoding: "utf8" })).toBe(text);
});

it("keeps the sidecar of a command that has become another user, as sudo does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-keeper-"));
  chmodSync(folder, 0o777);
  const file = join(folder, "starts");
  writeFileSync(file, "");
  chmodSync(file, 0o666);
  const command = spawn("sleep", ["60"]);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const kept = {
    pid: command.pid,
    command: ["/bin/sh", "-c", `echo start >> ${quoted(file)}`],
    env: { PATH: process.env["PATH"] },
    stderr: 2,
    cleanup: `echo end >> ${quoted(file)}`,
  };
  const keeper = JSON.stringify(join(import.meta.dirname, "keeper.ts"));
  const script = `import(${keeper}).then(({ keep }) => keep(${JSON.stringify(kept)}))`;
  // The keeper inherits what it has, and would be waited for.
  const { status } = spawnSync(process.execPath, ["-e", script], { ...nobody, stdio: "ignore" });
  expect(status).toBe(0);
  const seen = () => readFileSync(file, "utf8").trim().split("\n");
  await vi.waitUntil(() => seen().length >= 3, { timeout: 10_000 });
  expect(seen()).not.toContain("end");
  const ended = once(command, "exit");
  command.kill();
  await ended;
  await vi.waitUntil(() => seen().at(-1) === "end", { timeout: 10_000 });
  rmSync(folder, { recursive: true });
});
