/**
 * What the operating system charges a process tree: CPU time in nanoseconds (/proc/PID/task/*\/schedstat, exact where
 * /proc/PID/stat counts in ticks of 10 ms) and memory (/proc/PID/status). Wall time is never used for cost.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Kilobytes of a tree: anonymous (its own), and everything resident (shared file pages count in each). */
export interface Memory {
  readonly anonymousKb: number;
  readonly residentKb: number;
}

/** The process and all its descendants. */
export function tree(pid: number): number[] {
  const pids = [pid];
  for (let i = 0; i < pids.length; i++) {
    const base = `/proc/${pids[i]}/task`;
    for (const task of list(base)) {
      for (const child of read(`${base}/${task}/children`).split(" ")) {
        if (child !== "") pids.push(Number(child));
      }
    }
  }
  return pids;
}

/** CPU nanoseconds used so far by all threads of the tree. Threads that ended are not counted. */
export function cpuNs(pid: number): number {
  let total = 0;
  for (const each of tree(pid)) {
    const base = `/proc/${each}/task`;
    for (const task of list(base)) total += Number(read(`${base}/${task}/schedstat`).split(" ")[0] ?? 0);
  }
  return total;
}

/** Memory of the tree now. */
export function memory(pid: number): Memory {
  let anonymousKb = 0;
  let residentKb = 0;
  for (const each of tree(pid)) {
    const status = read(`/proc/${each}/status`);
    anonymousKb += field(status, "RssAnon");
    residentKb += field(status, "VmRSS");
  }
  return { anonymousKb, residentKb };
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A thread that ended between the listing and the reading.
    return "";
  }
}
