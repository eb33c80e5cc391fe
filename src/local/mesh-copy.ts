/**
 * A copy of a directory's resources for one run of `weft up --copy`: what is applied to the mesh is written there, and
 * the directory (the demo's, in a checkout) stays as it is. A file that is saved in the directory is taken over, so that
 * editing works as without a copy; the last to write a file wins.
 */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { loadDirectory } from "../resources/load.ts";
import { Watcher } from "../resources/watcher.ts";
import { writeAtomically } from "./atomic-file.ts";

/** An editor's save is several events. */
const QUIET_MS = 10;

export class MeshCopy {
  /** Where the copy is. */
  readonly directory: string;
  readonly #original: string;
  readonly #watcher: Watcher;
  /** Texts of the original by name, as they were when they were last taken over. */
  #taken: ReadonlyMap<string, string> = new Map();
  #timer: NodeJS.Timeout | undefined;

  /** Copies `original` to `directory`, which need not exist, and follows it until `close`. Throws the system's error. */
  constructor(original: string, directory: string) {
    this.#original = original;
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    const onEvent = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#take(), QUIET_MS);
    };
    // It can't be followed any longer: the mesh lives on with what was taken.
    const onError = () => this.close();
    this.#watcher = new Watcher([{ directory: original, recursive: true }], onEvent, onError);
    this.#take();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher.close();
  }

  #take(): void {
    // A directory that is away for a moment is no wish to delete all that was in it.
    if (!existsSync(this.#original)) return;
    const { files } = loadDirectory(this.#original);
    const now = new Map(files.map(({ name, text }) => [relative(this.#original, resolve(name)), text]));
    for (const [name, text] of now) {
      if (this.#taken.get(name) !== text) writeAtomically(join(this.directory, name), text);
    }
    for (const name of this.#taken.keys()) {
      if (!now.has(name)) rmSync(join(this.directory, name), { force: true });
    }
    this.#taken = now;
  }
}
