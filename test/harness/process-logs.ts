/** What the processes of a test have said on standard error, kept for when it fails: of a machine of CI that is all there is to look at. */
import type { ChildProcess } from "node:child_process";

/** Characters of each that are kept. */
const KEPT = 4_000;

interface Followed {
  readonly name: string;
  readonly child: ChildProcess;
  said: string;
}

const followed = new Set<Followed>();

/** Keeps what `child` says from now on, and how it ends. */
export function keepLog(name: string, child: ChildProcess): void {
  const each: Followed = { name, child, said: "" };
  child.stderr?.on("data", (chunk) => {
    each.said = (each.said + String(chunk)).slice(-KEPT);
  });
  followed.add(each);
}

/** What there is, and whether each still runs; what has ended is forgotten. */
export function takeLogs(): string {
  const texts = [...followed].map(({ name, child, said }) => {
    const end = child.exitCode ?? child.signalCode ?? "runs";
    return `── ${name}, pid ${child.pid} (${end})\n${said}`;
  });
  for (const each of followed) {
    if (each.child.exitCode !== null || each.child.signalCode !== null) followed.delete(each);
  }
  return texts.join("\n");
}
