/** What the control plane knows of one sidecar and one type of resources. */
import type { NackRecord } from "./observer.ts";

/** A response that is not answered yet. */
export interface Outstanding {
  readonly nonce: string;
  /** Version sent, or ABSENT, by name; without those that the sidecar has given up meanwhile. */
  readonly versions: Map<string, string>;
}

export class TypeState {
  readonly subscribed = new Set<string>();
  isWildcard = false;
  /** Versions that the sidecar has taken, or ABSENT, by name. */
  readonly held = new Map<string, string>();
  readonly rejected = new Map<string, NackRecord>();
  /** Names that must be looked at: a newer version than the held one may be there. */
  readonly pending = new Set<string>();
  outstanding: Outstanding | null = null;

  /** Names that anything is known of. */
  known(): Set<string> {
    const sent = this.outstanding?.versions.keys() ?? [];
    return new Set([...this.held.keys(), ...this.rejected.keys(), ...this.pending, ...sent]);
  }

  /**
   * The sidecar has given the name up, and with it whatever it was told of it. What it has been sent and not answered is as well
   * forgotten there, or will be, so the answer says nothing of it. True when it was yet to take something.
   */
  forget(name: string): boolean {
    this.held.delete(name);
    this.rejected.delete(name);
    const wasPending = this.pending.delete(name);
    return this.outstanding?.versions.delete(name) === true || wasPending;
  }
}
