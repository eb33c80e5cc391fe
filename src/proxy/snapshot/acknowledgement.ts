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
  readonly errors: DiscoveryError[];
  readonly resolve: (errors: readonly DiscoveryError[]) => void;
}

export class Acknowledgements {
  #pending: Pending[] = [];

  /** Resolves with `errors` (and what `refuse` adds) when all of `waiting` is settled. */
  add(
    type: StoredType,
    waiting: Map<string, string | undefined>,
    errors: DiscoveryError[],
  ): Promise<readonly DiscoveryError[]> {
    if (waiting.size === 0) return Promise.resolve(errors);
    return new Promise((resolve) => {
      this.#pending.push({ type, waiting, errors, resolve });
    });
  }

  /** Settles what `isSettled` says is, and resolves the responses that wait for nothing more. */
  settle(isSettled: (type: StoredType, name: string, version: string | undefined) => boolean): void {
    this.#sweep(({ type, waiting }) => {
      for (const [name, version] of waiting) {
        if (isSettled(type, name, version)) waiting.delete(name);
      }
    });
  }

  /** Turns the wait for one resource into its refusal. */
  refuse(type: StoredType, name: string, error: DiscoveryError): void {
    this.#sweep((pending) => {
      if (pending.type === type && pending.waiting.delete(name)) pending.errors.push(error);
    });
  }

  #sweep(visit: (pending: Pending) => void): void {
    const done: Pending[] = [];
    const still: Pending[] = [];
    for (const pending of this.#pending) {
      visit(pending);
      (pending.waiting.size === 0 ? done : still).push(pending);
    }
    this.#pending = still;
    for (const { resolve, errors } of done) resolve(errors);
  }
}
