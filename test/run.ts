/**
 * `npm test`: types, then every suite, then two lines that say what was not run and how it went. Arguments are passed to
 * vitest (`npm test -- test/local`).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SKIPS_VARIABLE } from "./harness/skips.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** A suite that hangs must not hang whoever waits for it. */
const LIMIT_MS = 15 * 60_000;

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
  try {
    const types = await start("typescript/bin/tsc", ["--noEmit"], {});
    const skips = join(folder, "skips");
    writeFileSync(skips, "");
    const report = join(folder, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const suites = await start("vitest/vitest.mjs", ["run", ...reporters, ...args], {
      [SKIPS_VARIABLE]: skips,
    });
    return conclude(types, suites, readReport(report), readSkips(skips));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function conclude(
  types: number,
  suites: number,
  report: Report | undefined,
  skips: readonly string[],
): number {
  if (types !== 0) print("types: errors, see above");
  if (report === undefined) {
    print("vitest left no report");
    print("0 passed, 1 failed, 0 skipped");
    return 1;
  }
  // A file that could not even be loaded has no tests to count.
  const broken = report.testResults.filter(
    (f) => f.status === "failed" && f.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken + (types === 0 ? 0 : 1);
  // Errors outside of any test: vitest exits with 1 and counts nothing.
  const stray = failed === 0 && suites !== 0 ? 1 : 0;
  print(skips.length === 0 ? "skipped suites: none" : `skipped suites: ${skips.join("; ")}`);
  const skipped = report.numPendingTests + report.numTodoTests;
  print(`${report.numPassedTests} passed, ${failed + stray} failed, ${skipped} skipped`);
  return failed + stray === 0 ? 0 : 1;
}

/** Runs a program of a package on this Node; resolves with its exit code. */
function start(program: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "node_modules", program), ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
    });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return undefined;
  }
}

function readSkips(path: string): readonly string[] {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  const named = lines.map((line) => JSON.parse(line) as { name: string; reason: string });
  return [...new Set(named.map(({ name, reason }) => `${name} (${reason})`))].sort();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
