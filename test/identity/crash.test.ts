/** A control plane that is killed at any moment: what it has said is done is done, and what is on the disk is whole. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EmbeddedAuthority } from "../../src/control-plane/ca/embedded-authority.ts";
import type { Rotation } from "../../src/control-plane/ca/rotation.ts";
import { TokenLedger } from "../../src/control-plane/ca/token-ledger.ts";
import { seededRandom } from "../harness/random.ts";
import { SEED } from "../harness/runs.ts";
import { temporaryDirectory } from "./plane.ts";

const SCRIPT = fileURLToPath(new URL("authority-process.ts", import.meta.url));
const TOKEN = "c".repeat(32);
const NEXT: Readonly<Record<Rotation["phase"], Rotation["phase"]>> = {
  steady: "distributing",
  distributing: "reissuing",
  reissuing: "retiring",
  retiring: "steady",
};

let directory = "";
beforeAll(() => {
  directory = temporaryDirectory();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs the process until it has used a token and then for `ms` more; resolves with what it said, whole lines only. */
async function runAndKill(ms: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [SCRIPT, directory, TOKEN], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  while (!said.includes("used\n")) await once(child.stdout, "data");
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill("SIGKILL");
  await once(child, "close");
  return said.split("\n").slice(0, -1);
}

it("keeps each step of a rotation and each use of a token that it has acknowledged", {
  timeout: 60_000,
}, async () => {
  const random = seededRandom(SEED);
  let acknowledged = 0;
  for (let round = 0; round < 6; round++) {
    const lines = await runAndKill(random() * 60);
    acknowledged += lines.filter((line) => line === "used").length;

    const opened = EmbeddedAuthority.open(directory, "cluster.local", Date.now());
    if (opened.kind === "unusable") throw new Error(opened.reason);
    const { rotation, authority } = opened.authority;
    const [, phase, root] = lines.findLast((line) => line.startsWith("phase"))?.split(" ") ?? [];
    expect(phase === rotation.phase || NEXT[phase as Rotation["phase"]] === rotation.phase, phase).toBe(true);
    if (phase === rotation.phase) expect(authority.root.fingerprint).toBe(root);

    const ledger = TokenLedger.open(join(directory, "token-uses"), Date.now());
    if (ledger.kind === "unusable") throw new Error(ledger.reason);
    // One more use may have been stored than was said.
    const redeem = (uses: number) => ledger.ledger.redeem(TOKEN, Date.now() + 3_600_000, uses, Date.now());
    expect(await redeem(acknowledged)).toBe("token_used_up");
    await redeem(acknowledged + 1);
    expect(await redeem(acknowledged + 2)).toBe("redeemed");
    acknowledged += 2;
    await ledger.ledger.close();

    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o077, name).toBe(0);
  }
  expect(acknowledged).toBeGreaterThan(2 * 6);
});
