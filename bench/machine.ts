/** What a result was measured on, for whoever compares. */
import { execFileSync } from "node:child_process";
import { arch, cpus, release } from "node:os";
import { findProgram, pinned } from "./children.ts";

const PROGRAMS = [
  ["nginx", "-v"],
  ["haproxy", "-v"],
  ["wrk", "-v"],
] as const;

export function machine(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, flag] of PROGRAMS) {
    const path = findProgram(name);
    if (path !== undefined) found[name] = version(path, flag);
  }
  const cpu = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  return { cpu, kernel: `${release()} ${arch()}`, node: process.version, pinned: String(pinned), ...found };
}

function version(program: string, flag: string): string {
  try {
    return execFileSync("/bin/sh", ["-c", `"$1" ${flag} 2>&1 | head -n 1`, "sh", program], {
      encoding: "utf8",
    }).trim();
  } catch {
    return "unknown";
  }
}
