/**
 * Looking at processes from outside: which run, and who descends from whom. A zombie has ended; that nobody has asked for
 * its exit code yet is the business of whoever is process 1 here.
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly commandLine: string;
}

/** Every process of the machine. */
export function listProcesses(): readonly ProcessInfo[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** Whether the process exists and is no zombie. */
export function isRunning(pid: number | undefined): boolean {
  const info = pid === undefined ? undefined : readProcess(pid);
  return info !== undefined && info.state !== "Z";
}

/** Processes that descend from `pid`. */
export function descendants(pid: number): readonly ProcessInfo[] {
  const all = listProcesses();
  const found: ProcessInfo[] = [];
  for (let generation = [pid]; generation.length > 0; ) {
    const children = all.filter(({ parent }) => generation.includes(parent));
    found.push(...children);
    generation = children.map((child) => child.pid);
  }
  return found;
}

/** Whether somebody accepts connections there. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may itself contain any character.
    const [state = "", parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), state, commandLine };
  } catch {
    return undefined;
  }
}
