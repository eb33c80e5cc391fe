/**
 * `node bench/demo-memory.ts [--sources]`: what each sidecar of the demo holds (RssAnon) ten seconds after everything is ready, without
 * traffic and with the demo's trickle. Goal: at most 30 MB idle. Of the build, or of the sources as a checkout runs them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "./built.ts";
import { memory } from "./cpu.ts";

const SETTLE_MS = 10_000;
const ROOT = join(import.meta.dirname, "..");
const MAIN = process.argv.includes("--sources") ? join(ROOT, "src", "cli", "main.ts") : build();

for (const flags of [["--no-trickle"], ["--rate", "10"]]) {
  const sidecars = await sidecarsOf(flags);
  const held = sidecars.map(({ id, mb }) => `${id} ${mb.toFixed(1)}`).join(", ");
  const most = Math.max(...sidecars.map(({ mb }) => mb));
  process.stdout.write(`${flags.join(" ")}: at most ${most.toFixed(1)} MB anonymous (${held})\n`);
}

async function sidecarsOf(flags: readonly string[]): Promise<{ id: string; mb: number }[]> {
  const args = [MAIN, "up", "config/demo", "--json", "--duration", "60s", ...flags];
  const mesh = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(mesh, "close");
  const sidecars: { id: string; pid: number }[] = [];
  for await (const line of createInterface({ input: mesh.stdout })) {
    const event = JSON.parse(line) as { event: string; role?: string; id: string; pid: number };
    if (event.event === "ready" && event.role === "sidecar") sidecars.push(event);
    if (event.event === "started") break;
  }
  mesh.stdout.resume();
  await sleep(SETTLE_MS);
  const held = sidecars.map(({ id, pid }) => ({ id, mb: memory(pid).anonymousKb / 1024 }));
  mesh.kill("SIGTERM");
  await ended;
  return held;
}
