/**
 * Tells that something below a path changed, once per burst: 10 ms after the last event, at the latest 100 ms after the
 * first, since an editor's save or a checkout is many events.
 */
import { type FSWatcher, watch } from "node:fs";

const QUIET_MS = 10;
const LONGEST_MS = 100;

export interface Watched {
  readonly directory: string;
  readonly recursive: boolean;
  /** Only this name in the directory; absent: all. */
  readonly only?: string;
}

/** Calls `onChange` after each burst until `close` is called. */
export class Watcher {
  readonly #watchers: FSWatcher[] = [];
  readonly #onChange: () => void;
  #timer: NodeJS.Timeout | undefined;
  #firstAt = 0;

  constructor(watched: readonly Watched[], onChange: () => void, onError: (error: Error) => void) {
    this.#onChange = onChange;
    for (const { directory, recursive, only } of watched) {
      const watcher = watch(directory, { recursive }, (_event, name) => {
        if (only === undefined || name === only || name === null) this.#event();
      });
      watcher.on("error", onError);
      this.#watchers.push(watcher);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #event(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#firstAt = now;
    clearTimeout(this.#timer);
    const wait = Math.max(0, Math.min(QUIET_MS, this.#firstAt + LONGEST_MS - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onChange();
    }, wait);
  }
}
