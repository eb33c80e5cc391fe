import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { TokenLedger } from "./token-ledger.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);
const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "weft-ledger-"));
  directories.push(directory);
  return join(directory, "token-uses");
}

function open(path: string, now = 0): TokenLedger {
  const opened = TokenLedger.open(path, now);
  if (opened.kind === "unusable") throw new Error(opened.reason);
  return opened.ledger;
}

it("counts uses across restarts", async () => {
  const path = newPath();
  const first = open(path);
  expect(await first.redeem(A, 100, 2, 0)).toBe("redeemed");
  await first.close();
  const second = open(path);
  expect(await second.redeem(A, 100, 2, 0)).toBe("redeemed");
  expect(await second.redeem(A, 100, 2, 0)).toBe("token_used_up");
  await second.close();
  const third = open(path);
  expect(await third.redeem(A, 100, 2, 0)).toBe("token_used_up");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await third.close();
});

it("a use is on the disk before it is accepted, also of many at once", async () => {
  const path = newPath();
  const ledger = open(path);
  const uses = Array.from({ length: 50 }, () =>
    ledger.redeem(A, 100, 50, 0).then(() => readFileSync(path, "utf8").split("\n").length - 1),
  );
  for (const [i, lines] of (await Promise.all(uses)).entries()) expect(lines).toBeGreaterThan(i);
  await ledger.close();
});

it("a last line that a crash has cut short is no use, and spoils none after it", async () => {
  const path = newPath();
  const before = open(path);
  await before.redeem(A, 100, 2, 0);
  await before.close();
  appendFileSync(path, `${B} 10`);
  const after = open(path);
  expect(await after.redeem(B, 100, 1, 0)).toBe("redeemed");
  expect(await after.redeem(B, 100, 1, 0)).toBe("token_used_up");
  await after.close();
  expect(readFileSync(path, "utf8")).toBe(`${A} 100 1\n${B} 100 1\n`);
});

it("expired tokens are forgotten at the next start", async () => {
  const path = newPath();
  const before = open(path);
  await before.redeem(A, 100, 1, 0);
  await before.redeem(B, 200, 1, 0);
  await before.close();
  await open(path, 150).close();
  expect(readFileSync(path, "utf8")).toBe(`${B} 200 1\n`);
});

it("the file does not grow with uses", async () => {
  const path = newPath();
  const ledger = open(path);
  for (let i = 0; i < 6; i++) {
    await Promise.all(Array.from({ length: 1_000 }, () => ledger.redeem(A, 100, 10_000, 0)));
  }
  expect(readFileSync(path, "utf8").split("\n").length).toBeLessThan(2_000);
  await ledger.close();
  const again = open(path);
  await again.close();
  expect(readFileSync(path, "utf8")).toBe(`${A} 100 6000\n`);
});

it("a use that can't be stored is not accepted, and is not lost", async () => {
  const path = newPath();
  const ledger = open(path);
  rmSync(path);
  mkdirSync(path);
  expect(await ledger.redeem(A, 100, 1, 0)).toBe("storage_failed");
  rmSync(path, { recursive: true });
  expect(await ledger.redeem(A, 100, 1, 0)).toBe("redeemed");
  await ledger.close();
});

it.each([
  ["damaged", (path: string) => writeFileSync(path, `${A} 100 1\nx\n`, { mode: 0o600 })],
  ["readable by others", (path: string) => chmodSync(path, 0o644)],
])("a file that is %s is not taken for an empty one", async (_is, spoil) => {
  const path = newPath();
  await open(path).close();
  spoil(path);
  expect(TokenLedger.open(path, 0).kind).toBe("unusable");
});
