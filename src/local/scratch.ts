/**
 * A folder for one run of `weft up` or `weft run`: the address overlay, and what sidecars keep. It is named after the process, so
 * that a later run removes what one that was killed left behind.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "./run-file.ts";

/** Makes the folder of this process, readable by its user alone, and removes those of processes that are gone. */
export function makeScratch(command: "up" | "run" = "up"): string {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^weft-(?:up|run)-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeScratch(join(tmpdir(), name));
  }
  const folder = join(tmpdir(), `weft-${command}-${process.pid}`);
  removeScratch(folder);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

export function removeScratch(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's, or a file still being written: it is in the folder for temporary files, and stays there.
  }
}
