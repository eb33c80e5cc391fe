/**
 * What is measured is what images run: the build. It differs from the sources in memory alone, where Node keeps the texts that it
 * stripped (docs/decisions/0004-sidecar-memory.md).
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const HERE = join(import.meta.dirname, "..");
const TSC = join(HERE, "node_modules", ".bin", "tsc");
const built = new Map<string, string>();

/** Builds a checkout into its `dist`, once in this process; the path of its `weft`. */
export function build(root = HERE): string {
  const known = built.get(root);
  if (known !== undefined) return known;
  rmSync(join(root, "dist"), { recursive: true, force: true });
  execFileSync(TSC, ["-p", join(root, "tsconfig.build.json")], { stdio: ["ignore", "inherit", "inherit"] });
  const main = join(root, "dist", "cli", "main.js");
  built.set(root, main);
  return main;
}
