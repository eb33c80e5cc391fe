/**
 * Several files changed as one: after a crash at any moment all of them are old or all are new. Drafts are written and
 * flushed beside their targets; then a journal that names them, which is the moment at which the change has happened;
 * then the drafts are moved into place, and the journal goes. Whoever finds a journal finishes its moves; drafts without
 * one are of a change that has not happened.
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { flushDirectory, writeFlushed } from "./atomic-write.ts";

/** New texts by path; null deletes. */
export type FileChanges = ReadonlyMap<string, string | null>;

/** Hidden: loaders don't read them. */
const JOURNAL = ".weft-journal";
const DRAFT_SUFFIX = ".weft-draft";

/** Paths relative to the directory of the journal, so that it may be moved. */
interface Journal {
  /** Files that have a draft beside them. */
  readonly replace: readonly string[];
  readonly remove: readonly string[];
}

/**
 * Writes all changes to files of `directory` durably. Throws the system's error: then nothing has changed, or, where the
 * moves themselves failed, the next write or start goes on with them.
 */
export function writeFiles(directory: string, changes: FileChanges): void {
  finishWrites(directory);
  const root = rootOf(directory);
  const replace: string[] = [];
  const remove: string[] = [];
  try {
    for (const [path, text] of changes) {
      const target = targetOf(path);
      if (text === null) remove.push(target);
      else {
        mkdirSync(dirname(target), { recursive: true });
        replace.push(target);
        writeFlushed(draftOf(target), text, 0o644);
      }
    }
    const inRoot = (path: string) => relative(root, path);
    const journal: Journal = { replace: replace.map(inRoot), remove: remove.map(inRoot) };
    const path = join(root, JOURNAL);
    writeFlushed(draftOf(path), JSON.stringify(journal), 0o644);
    for (const folder of foldersOf(replace)) flushDirectory(folder);
    renameSync(draftOf(path), path);
    flushDirectory(root);
  } catch (error) {
    for (const target of [...replace, join(root, JOURNAL)]) rmSync(draftOf(target), { force: true });
    throw error;
  }
  finishWrites(directory);
}

/** Finishes what a crash interrupted, and removes what it left behind. Throws the system's error. */
export function finishWrites(directory: string): void {
  const root = rootOf(directory);
  const path = join(root, JOURNAL);
  const journal = readJournal(path);
  if (journal !== undefined) {
    const replaced = journal.replace.map((name) => resolve(root, name));
    const removed = journal.remove.map((name) => resolve(root, name));
    for (const target of replaced) moveIfThere(draftOf(target), target);
    for (const target of removed) rmSync(target, { force: true });
    for (const folder of foldersOf([...replaced, ...removed])) flushDirectory(folder);
    rmSync(path);
    flushDirectory(root);
    return;
  }
  for (const name of listAll(root))
    if (name.endsWith(DRAFT_SUFFIX)) rmSync(join(root, name), { force: true });
}

function readJournal(path: string): Journal | undefined {
  try {
    // Only whole journals get this name.
    return JSON.parse(readFileSync(path, "utf8")) as Journal;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || isNoDirectory(error)) return undefined;
    throw error;
  }
}

/** A file as well as a directory may be a source. */
function rootOf(source: string): string {
  const isFile = statSync(source, { throwIfNoEntry: false })?.isFile() === true;
  return resolve(isFile ? dirname(source) : source);
}

/** A link stays one: what it leads to is written. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}${DRAFT_SUFFIX}`);
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // It was moved before the crash.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.map((path) => dirname(path)));
}

function listAll(root: string): readonly string[] {
  try {
    return readdirSync(root, { recursive: true, encoding: "utf8" });
  } catch (error) {
    // The loader says that it can't be read.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function isNoDirectory(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOTDIR";
}
