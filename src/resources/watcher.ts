/**
 * Tells that something below a path changed. A save of an editor is several events: who listens waits for their end.
 * The system watches a directory, not its name: one that is removed and made anew, or replaced by another (a checkout, a
 * link that is swapped), is seen from its parent, and watched again.
 */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";

export interface Watched {
  readonly directory: string;
  readonly recursive: boolean;
  /** Only this name in the directory; absent: all. */
  readonly only?: string;
}

/**
 * Calls `onEvent` for each event until `close` is called, and once at the start: what changed between the caller's own reading and the
 * watch has no event.
 */
export class Watcher {
  readonly #followed: readonly Followed[];

  /** Throws the system's error for a directory that can't be watched; later ones are given to `onError`. */
  constructor(watched: readonly Watched[], onEvent: () => void, onError: (error: Error) => void) {
    this.#followed = watched.map((each) => new Followed(each, onEvent, onError));
    onEvent();
  }

  close(): void {
    for (const followed of this.#followed) followed.close();
  }
}

/** One directory, under its name. */
class Followed {
  readonly #watched: Watched;
  readonly #onEvent: () => void;
  readonly #onError: (error: Error) => void;
  readonly #parent: FSWatcher | undefined;
  #watcher: FSWatcher | undefined;

  constructor(watched: Watched, onEvent: () => void, onError: (error: Error) => void) {
    this.#watched = watched;
    this.#onEvent = onEvent;
    this.#onError = onError;
    this.#watcher = this.#watch();
    this.#parent = this.#watchParent();
  }

  close(): void {
    this.#parent?.close();
    this.#watcher?.close();
  }

  #watch(): FSWatcher {
    const { directory, recursive, only } = this.#watched;
    const watcher = watch(directory, { recursive }, (_event, name) => {
      if (only === undefined || name === only || name === null) this.#onEvent();
    });
    return watcher.on("error", (error) => this.#failed(error));
  }

  #watchParent(): FSWatcher | undefined {
    const path = resolve(this.#watched.directory);
    try {
      const parent = watch(dirname(path), (_event, name) => {
        if (name === basename(path) || name === null) this.#again();
      });
      return parent.on("error", (error) => this.#failed(error));
    } catch {
      // A parent that we may not read: then the directory is a mount, or nobody's to replace.
      return undefined;
    }
  }

  /** There may be another directory of that name. */
  #again(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    try {
      this.#watcher = this.#watch();
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException);
    }
    this.#onEvent();
  }

  #failed(error: NodeJS.ErrnoException): void {
    // It is gone, which is an event; when it is back, its parent tells.
    if (error.code !== "ENOENT") this.#onError(error);
  }
}
