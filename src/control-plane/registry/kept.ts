/**
 * Who has registered, on the disk: a control plane that is started anew would otherwise send callers away from instances that serve
 * as before, until each of their sidecars has come back.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { readNode } from "../../discovery/check.ts";
import type { Node } from "../../discovery/messages.ts";
import type { Log } from "../log.ts";

/** Those of the last run. A file that is not there, or is damaged, is as good as an empty one. */
export function readKept(path: string, log: Log): readonly Node[] {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Array.isArray(value) ? value.flatMap((node) => readNode(node) ?? []) : [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ file: path, reason: String(error) }, "registrations of the last run can't be read");
    return [];
  }
}

/** What can't be written is said; the mesh goes on. */
export function writeKept(path: string, nodes: readonly Node[], log: Log): void {
  try {
    writeFileSync(`${path}.draft`, `${JSON.stringify(nodes)}\n`, { mode: 0o600 });
    renameSync(`${path}.draft`, path);
  } catch (error) {
    log.warn({ file: path, reason: String(error) }, "registrations can't be kept");
  }
}
