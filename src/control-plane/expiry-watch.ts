/** Tells the log, once for each notice, that a CA's certificate comes to its end. */
import { expiryNotice } from "../identity/expiry.ts";
import type { Log } from "./log.ts";

const LOOK_MS = 3_600_000;

/** A certificate that all others stand under. */
export interface Authority {
  readonly kind: string;
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

export class ExpiryWatch {
  readonly #authorities: () => readonly Authority[];
  readonly #log: Log;
  readonly #told = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(authorities: () => readonly Authority[], log: Log) {
    this.#authorities = authorities;
    this.#log = log;
    this.#timer = setInterval(() => this.look(Date.now()), LOOK_MS).unref();
  }

  /** `now`: milliseconds since 1970. */
  look(now: number): void {
    for (const { kind, fingerprint, notAfter } of this.#authorities()) {
      const notice = expiryNotice(notAfter, now);
      if (notice.kind === "fine") continue;
      const what = notice.kind === "expired" ? notice.kind : String(notice.within);
      const key = `${kind} ${fingerprint} ${what}`;
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      const fields = { kind, fingerprint, expires: new Date(notAfter).toISOString() };
      if (notice.kind === "expired") this.#log.error(fields, "a certificate of the CA has expired");
      else this.#log.warn({ ...fields, daysLeft: notice.daysLeft }, "a certificate of the CA expires soon");
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
