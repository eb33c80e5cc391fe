/** What the control plane knows of one sidecar and one type of resources. */
import type { NackRecord } from "./observer.ts";

/** A response that is not answered yet. */
export interface Outstanding {
  readonly nonce: string;
  /** Version sent, or ABSENT, by name. */
  readonly versions: ReadonlyMap<string, string>;
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
}
