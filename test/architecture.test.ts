import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");

it("ARCHITECTURE.md names files that exist", () => {
  const rows = read("ARCHITECTURE.md")
    .split("\n")
    .filter((line) => /^\| \w+ \| `/.test(line));
  const files = rows.flatMap((row) => /`([a-z0-9]+\/[a-z0-9-]+\.ts)`/.exec(row)?.[1] ?? []);
  expect(files.length).toBe(9);
  for (const file of files) expect(existsSync(new URL(`src/proxy/${file}`, root)), file).toBe(true);
});

it("an exchange walks route, admit, pick, attempt and record in this order", () => {
  const text = read("src/proxy/request/exchange.ts");
  const places = [
    "  route(): void",
    "  admit(): void",
    "  pick(): void",
    "this.tries.next()",
    "  #record(): void",
  ].map((what) => text.indexOf(what));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
});
