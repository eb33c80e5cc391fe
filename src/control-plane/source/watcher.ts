/**
 * Tells that something below a path changed. A save of an editor is several events: who listens waits for their end.
 */
import { type FSWatcher, watch } from "node:fs";

export interface Watched {
  readonly directory: string;
  readonly recursive: boolean;
  /** Only this name in the directory; absent: all. */
  readonly only?: string;
}

/** Calls `onEvent` for each event until `close` is called. */
export class Watcher {
  readonly #watchers: FSWatcher[] = [];

  constructor(watched: readonly Watched[], onEvent: () => void, onError: (error: Error) => void) {
    for (const { directory, recursive, only } of watched) {
      const watcher = watch(directory, { recursive }, (_event, name) => {
        if (only === undefined || name === only || name === null) onEvent();
      });
      watcher.on("error", onError);
      this.#watchers.push(watcher);
    }
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }
}
