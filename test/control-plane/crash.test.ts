/**
 * kill -9 in the middle of writes of many files: what was acknowledged is there, and no change is there by halves.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ControlPlane } from "../../src/control-plane/server.ts";
import { startPlane } from "./plane-process.ts";

const SERVICES = ["a", "b", "c", "d", "e", "f"];
const ROUNDS = 6;

const text = (generation: number) =>
  SERVICES.map(
    (name) =>
      `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec:\n  ports: [{ port: ${generation} }]\n`,
  ).join("---\n");

let directory: string;
let child: ChildProcess | undefined;
let plane: ControlPlane | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-crash-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await plane?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function apply(port: number, generation: number): Promise<boolean> {
  const body = JSON.stringify({ files: [{ name: "all.yaml", text: text(generation) }] });
  const headers = { "content-type": "application/json" };
  try {
    return (await fetch(`http://127.0.0.1:${port}/v1/apply`, { method: "POST", headers, body })).ok;
  } catch {
    return false;
  }
}

async function generations(port: number): Promise<number[]> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/resources?kind=Service`);
  const { items } = (await response.json()) as { items: { spec: { ports: { port: number }[] } }[] };
  return items.map(({ spec }) => spec.ports[0]?.port ?? 0);
}

it("leaves all files of a change or none", { timeout: 60_000 }, async () => {
  let generation = 1;
  for (let round = 0; round < ROUNDS; round++) {
    child = spawn(process.execPath, [join(import.meta.dirname, "plane-process.ts"), directory]);
    const exited = once(child, "exit");
    const [line] = await once(child.stdout ?? child, "data");
    const port = Number(String(line));
    let acknowledged = generation - 1;
    // From an early moment of the second write to after several, whatever the machine's speed.
    const killed = child;
    setTimeout(() => killed.kill("SIGKILL"), 20 + round * 23);
    for (;;) {
      const isAcknowledged = await apply(port, generation);
      if (isAcknowledged) acknowledged = generation;
      generation++;
      if (!isAcknowledged) break;
    }
    await exited;
    plane = await startPlane(directory);
    const found = await generations(plane.apiPort);
    await plane.close();
    plane = undefined;
    expect(new Set(found).size).toBeLessThanOrEqual(1);
    if (acknowledged > 0) expect(found).toHaveLength(SERVICES.length);
    const [kept = 0] = found;
    expect(kept).toBeGreaterThanOrEqual(acknowledged);
    expect(readdirSync(directory).filter((name) => name.startsWith("."))).toEqual([]);
    generation = kept + 1;
  }
});
