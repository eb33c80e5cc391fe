/**
 * Files with secrets: in a directory of the owner's alone, made whole or not at all, never readable by others for a
 * moment. What a killed process left half-written is removed by the next.
 */

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { flushDirectory, writeFlushed } from "../source/atomic-write.ts";

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
/** A draft this old has no writer any more. */
const STALE_DRAFT_MS = 60_000;

export type PrivateFile =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "none" }
  | { readonly kind: "unusable"; readonly reason: string };

/** Makes the directory, or takes other users' rights to it away, and removes stale drafts. Throws the system's error. */
export function preparePrivateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  chmodSync(directory, OWNER_ONLY_DIRECTORY);
  for (const name of readdirSync(directory)) {
    if (!/^\..*\.draft$/.test(name)) continue;
    const path = join(directory, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > STALE_DRAFT_MS) rmSync(path, { force: true });
  }
}

/** Reads a file of at most `maxBytes` that nobody else may read. */
export function readPrivateFile(path: string, maxBytes: number): PrivateFile {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { kind: "none" };
  if (!found.isFile() || found.size > maxBytes) return { kind: "unusable", reason: "not a file of ours" };
  if ((found.mode & 0o077) !== 0) {
    return { kind: "unusable", reason: "others have rights to it: chmod 600, if nobody can have read it" };
  }
  return { kind: "text", text: readFileSync(path, "utf8") };
}

/** Makes a file that is not there yet; false where it is: of two processes, one wins. Throws the system's error. */
export function createPrivateFile(path: string, text: string): boolean {
  return withDraft(path, text, (draft) => {
    try {
      linkSync(draft, path);
      return true;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
      throw error;
    }
  });
}

/** Replaces a file: after a crash it is the old one or the new one. Throws the system's error. */
export function replacePrivateFile(path: string, text: string): void {
  withDraft(path, text, (draft) => renameSync(draft, path));
}

function withDraft<T>(path: string, text: string, place: (draft: string) => T): T {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.draft`);
  try {
    writeFlushed(draft, text, OWNER_ONLY_FILE, "wx");
    return place(draft);
  } finally {
    rmSync(draft, { force: true });
    flushDirectory(dirname(path));
  }
}
