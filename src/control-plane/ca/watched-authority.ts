/**
 * The operator's CA, kept up to date with its files. Two rules guard a change of roots, whoever makes it and in whatever
 * order: no root signs before every sidecar trusts it, and none is dropped while a leaf under it may be in use. So an
 * operator adds the new root to the set, then changes the signer, then, a leaf's life later, takes the old root away.
 */
import type { TrustBundle } from "../../identity/trust-bundle.ts";
import { Watcher } from "../../resources/watcher.ts";
import type { Authority, AuthoritySource } from "./authority.ts";
import { type AuthorityFault, type ReadAuthority, readOperatorAuthority } from "./operator-authority.ts";

export type Reload =
  | { readonly kind: "unchanged" }
  | { readonly kind: "changed"; readonly root: string }
  /** What was in use stays so. */
  | {
      readonly kind: "refused";
      readonly fault: AuthorityFault | "root_not_trusted_yet" | "drops_root_in_use";
      readonly detail: string;
    };

export type OpenedWatched =
  | { readonly kind: "authority"; readonly authority: WatchedAuthority }
  | Extract<ReadAuthority, { kind: "unusable" }>;

export interface WatchedOptions {
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Longest life of a leaf: for this long a root is in use after it has signed its last. */
  readonly leafLifeMs: number;
  /** Whether every sidecar has confirmed the bundle of this digest. */
  readonly isConfirmed: (digest: string) => boolean;
}

export class WatchedAuthority implements AuthoritySource {
  readonly #options: WatchedOptions;
  #authority: Authority;
  #bundle: TrustBundle;
  /** When the last leaf under a root that no longer signs ends; by fingerprint. */
  readonly #inUseUntil = new Map<string, number>();
  #watcher: Watcher | undefined;

  private constructor(options: WatchedOptions, authority: Authority, bundle: TrustBundle) {
    this.#options = options;
    this.#authority = authority;
    this.#bundle = bundle;
  }

  /** Reads the files for the first time; does not watch them yet. */
  static open(options: WatchedOptions): OpenedWatched {
    const read = readOperatorAuthority(options.directory, options.wallClock());
    if (read.kind === "unusable") return read;
    const authority = new WatchedAuthority(options, read.authority, read.bundle);
    return { kind: "authority", authority };
  }

  get authority(): Authority {
    return this.#authority;
  }

  get bundle(): TrustBundle {
    return this.#bundle;
  }

  /** Reads the files again after each burst of changes, until `close`. */
  watch(onReload: (reload: Reload) => void, onError: (error: Error) => void): void {
    const { directory } = this.#options;
    this.#watcher = new Watcher([{ directory, recursive: false }], () => onReload(this.reload()), onError);
  }

  /** Reads the files again. */
  reload(): Reload {
    const now = this.#options.wallClock();
    const read = readOperatorAuthority(this.#options.directory, now);
    if (read.kind === "unusable") return { kind: "refused", fault: read.fault, detail: read.detail };
    const { authority, bundle } = read;
    const isSame =
      bundle.digest === this.#bundle.digest &&
      authority.certificate.serial === this.#authority.certificate.serial &&
      authority.root.fingerprint === this.#authority.root.fingerprint;
    if (isSame) return { kind: "unchanged" };

    const fault = this.#changeFault(authority, bundle, now);
    if (fault !== undefined) return fault;
    const outgoing = this.#authority.root.fingerprint;
    if (outgoing !== authority.root.fingerprint) {
      this.#inUseUntil.set(outgoing, now + this.#options.leafLifeMs);
    }
    this.#authority = authority;
    this.#bundle = bundle;
    return { kind: "changed", root: authority.root.fingerprint };
  }

  close(): void {
    this.#watcher?.close();
  }

  #changeFault(incoming: Authority, bundle: TrustBundle, now: number): Reload | undefined {
    for (const [root, until] of this.#inUseUntil) if (until <= now) this.#inUseUntil.delete(root);
    const inUse = new Set([...this.#inUseUntil.keys(), this.#authority.root.fingerprint]);
    for (const root of inUse) {
      if (has(bundle, root)) continue;
      const detail = `leaves under root ${root} are still in use: trust both roots until they are renewed`;
      return { kind: "refused", fault: "drops_root_in_use", detail };
    }
    const { fingerprint } = incoming.root;
    const isNew = fingerprint !== this.#authority.root.fingerprint;
    if (!isNew || (has(this.#bundle, fingerprint) && this.#options.isConfirmed(this.#bundle.digest))) {
      return undefined;
    }
    const detail = `not every sidecar trusts root ${fingerprint} yet: first add it to the trusted roots`;
    return { kind: "refused", fault: "root_not_trusted_yet", detail };
  }
}

function has(bundle: TrustBundle, fingerprint: string): boolean {
  return bundle.roots.some((root) => root.fingerprint === fingerprint);
}
