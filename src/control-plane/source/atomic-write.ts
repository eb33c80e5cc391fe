/**
 * Files written so that a crash leaves each of them old or new, never cut short: a draft is written and flushed, then
 * moved into place, and the directory is flushed.
 */
import { closeSync, fsyncSync, openSync, writeFileSync } from "node:fs";

/** Writes a file and waits until it is on the disk. `flag` as of `open(2)`: "wx" refuses to follow or replace anything. */
export function writeFlushed(path: string, text: string, mode: number, flag: "w" | "wx" = "w"): void {
  const fd = openSync(path, flag, mode);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Waits until what was made, renamed or deleted in a directory is on the disk. */
export function flushDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
