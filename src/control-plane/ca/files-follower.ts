/**
 * What comes of each reading of the operator's files. A root that is refused because sidecars do not trust it yet, or one
 * that is missed because it is still in use, is a matter of time: the files are looked at again without being changed.
 */
import type { Log } from "../log.ts";
import type { Reload, WatchedAuthority } from "./watched-authority.ts";

/** How soon files that came too early are looked at again, in milliseconds. */
const RETRY_MS = 1_000;

export class FilesFollower {
  readonly #authority: WatchedAuthority;
  readonly #log: Log;
  readonly #onChanged: () => void;
  #lastDetail = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(authority: WatchedAuthority, log: Log, onChanged: () => void) {
    this.#authority = authority;
    this.#log = log;
    this.#onChanged = onChanged;
  }

  take(reload: Reload): void {
    clearTimeout(this.#timer);
    if (reload.kind === "refused") {
      const { fault, detail } = reload;
      const fields = { reason: fault, detail };
      if (detail !== this.#lastDetail)
        this.#log.warn(fields, "the CA's files are refused; the CA stays as it was");
      this.#lastDetail = detail;
      if (fault !== "root_not_trusted_yet" && fault !== "drops_root_in_use") return;
      this.#timer = setTimeout(() => this.take(this.#authority.reload()), RETRY_MS).unref();
      return;
    }
    this.#lastDetail = "";
    if (reload.kind === "unchanged") return;
    this.#log.info({ root: reload.root }, "the CA's files are taken over");
    this.#onChanged();
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
