/**
 * What a loader remembers from one load to the next: a mesh of thousands of files is read again for every change, and
 * all of them but one say what they said before. A file whose time, size and inode are as they were is not opened, a text
 * that is the same is not parsed, and its resources are the same objects.
 */
import { readFileSync, statSync } from "node:fs";

/** A file written so shortly before it was read may be written again without its time moving on. */
const RACY_MS = 100;

interface RememberedFile {
  readonly stamp: string;
  readonly text: string;
}

interface RememberedText<T> {
  readonly text: string;
  readonly result: T;
}

export class LoadMemory<T> {
  #files = new Map<string, RememberedFile>();
  #texts = new Map<string, RememberedText<T>>();

  /** The file's text; undefined when it is longer than `maxBytes`. Throws what the file system says. */
  read(path: string, maxBytes: number): string | undefined {
    const { mtimeMs, ctimeMs, size, ino } = statSync(path);
    if (size > maxBytes) return undefined;
    const stamp = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
    const known = this.#files.get(path);
    if (known?.stamp === stamp) return known.text;
    const isSettled = Date.now() - Math.max(mtimeMs, ctimeMs) > RACY_MS;
    const text = readFileSync(path, "utf8");
    if (isSettled) this.#files.set(path, { stamp, text });
    else this.#files.delete(path);
    return text;
  }

  /** What `parse` made of the text that had this name, if it is the same text. */
  parsed(name: string, text: string, parse: () => T): T {
    const known = this.#texts.get(name);
    if (known?.text === text) return known.result;
    const result = parse();
    this.#texts.set(name, { text, result });
    return result;
  }

  /** Forgets files and texts but these. */
  keep(paths: readonly string[], names: readonly string[]): void {
    this.#files = only(this.#files, paths);
    this.#texts = only(this.#texts, names);
  }
}

function only<V>(map: ReadonlyMap<string, V>, keys: readonly string[]): Map<string, V> {
  const kept = new Map<string, V>();
  for (const key of keys) {
    const value = map.get(key);
    if (value !== undefined) kept.set(key, value);
  }
  return kept;
}
