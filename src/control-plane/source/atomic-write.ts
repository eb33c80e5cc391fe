/**
 * Several files changed so that a crash at any moment leaves each of them old or new, never cut short: drafts are written
 * and flushed first, and only then moved into place, and the directories are flushed before the change is acknowledged.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** New texts by path; null deletes. */
export type FileChanges = ReadonlyMap<string, string | null>;

/** Writes all changes durably. Throws the system's error; before the first rename, nothing has changed. */
export function writeFiles(changes: FileChanges): void {
  const drafts = new Map<string, string>();
  try {
    for (const [path, text] of changes) {
      if (text === null) continue;
      mkdirSync(dirname(path), { recursive: true });
      const draft = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
      drafts.set(path, draft);
      writeFlushed(draft, text, 0o644);
    }
    for (const path of changes.keys()) {
      const draft = drafts.get(path);
      if (draft === undefined) rmSync(path, { force: true });
      else renameSync(draft, path);
      drafts.delete(path);
    }
  } finally {
    for (const draft of drafts.values()) rmSync(draft, { force: true });
  }
  for (const directory of new Set([...changes.keys()].map((path) => dirname(path))))
    flushDirectory(directory);
}

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
