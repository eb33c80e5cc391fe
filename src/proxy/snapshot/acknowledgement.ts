/**
 * Responses whose resources are not all settled yet. A response is acknowledged when every traffic loop serves
 * from what it brought, so an ACK seen in the control plane means that traffic already follows the change.
 */
import type { DiscoveryError } from "../../discovery/messages.ts";
import type { StoredType } from "./store.ts";

interface Pending {
  readonly type: StoredType;
  /** Names that are not settled, with the version that the response brought; `undefined` for a removal. */
  readonly waiting: Map<string, string | undefined>;
  readonly errors: readonly DiscoveryError[];
  readonly resolve: (errors: readonly DiscoveryError[]) => void;
}

/** How a resource stands; an error, why it is refused as things are. */
export type Standing = "settled" | "waiting" | DiscoveryError;

export class Acknowledgements {
  #pending: Pending[] = [];

  /** Resolves with `errors`, and those of what is refused then, when nothing of `waiting` waits any more. */
  add(
    type: StoredType,
    waiting: Map<string, string | undefined>,
    errors: readonly DiscoveryError[],
  ): Promise<readonly DiscoveryError[]> {
    if (waiting.size === 0) return Promise.resolve(errors);
    return new Promise((resolve) => {
      this.#pending.push({ type, waiting, errors, resolve });
    });
  }

  /** Resolves the responses that wait for nothing more. */
  settle(standingOf: (type: StoredType, name: string, version: string | undefined) => Standing): void {
    const done: (() => void)[] = [];
    this.#pending = this.#pending.filter(({ type, waiting, errors, resolve }) => {
      const refused: DiscoveryError[] = [];
      for (const [name, version] of waiting) {
        const standing = standingOf(type, name, version);
        if (standing === "settled") waiting.delete(name);
        else if (standing !== "waiting") refused.push(standing);
      }
      // A refusal may be over before the last one of the response is settled: it counts when it is said.
      if (waiting.size > refused.length) return true;
      done.push(() => resolve([...errors, ...refused]));
      return false;
    });
    for (const resolve of done) resolve();
  }
}
