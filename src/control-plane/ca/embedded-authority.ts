/**
 * The default CA: a root of its own, made at the first start and kept in one file of its owner's, or where several replicas share
 * it. What is there and cannot be used is an error, never a reason to make another root: that would cut every sidecar off.
 */
import { join } from "node:path";
import type { TrustBundle } from "../../identity/trust-bundle.ts";
import { readRoot } from "../../identity/trust-bundle.ts";
import type { RootStore, SharedRoot } from "../shared-root.ts";
import type { Authority, AuthoritySource } from "./authority.ts";
import {
  createPrivateFile,
  preparePrivateDirectory,
  readPrivateFile,
  replacePrivateFile,
} from "./private-file.ts";
import { makeRoot } from "./root.ts";
import { formatRootFile, parseRootFile } from "./root-file.ts";
import {
  abandon,
  awaited,
  begin,
  type Confirmation,
  isSuccessor,
  next,
  type Rotation,
  type SigningRoot,
  trusted,
} from "./rotation.ts";
import { signerFor } from "./signer.ts";

const FILE = "ca.json";
const MAX_FILE_BYTES = 1024 * 1024;

export type OpenedAuthority =
  | { readonly kind: "authority"; readonly authority: EmbeddedAuthority }
  | { readonly kind: "unusable"; readonly reason: string };

export type Advance =
  | { readonly kind: "advanced"; readonly phase: Rotation["phase"] }
  | { readonly kind: "waiting"; readonly phase: Rotation["phase"]; readonly for: Confirmation }
  | { readonly kind: "steady" };

/** What another replica has written. */
export type Adoption =
  | { readonly kind: "adopted"; readonly phase: Rotation["phase"] }
  | { readonly kind: "unchanged" }
  | { readonly kind: "unusable"; readonly reason: string };

export class EmbeddedAuthority implements AuthoritySource {
  readonly #store: RootStore;
  readonly #trustDomain: string;
  #rotation: Rotation;
  #authority: Authority;
  #bundle: TrustBundle;

  private constructor(store: RootStore, trustDomain: string, rotation: Rotation) {
    this.#store = store;
    this.#trustDomain = trustDomain;
    this.#rotation = rotation;
    this.#authority = authorityOf(rotation);
    this.#bundle = trusted(rotation);
  }

  /** Opens the CA in `directory`, making directory and root where there are none. Throws the system's errors. */
  static open(directory: string, trustDomain: string, now: number): OpenedAuthority {
    preparePrivateDirectory(directory);
    const path = join(directory, FILE);
    let file = readPrivateFile(path, MAX_FILE_BYTES);
    if (file.kind === "none") {
      createPrivateFile(path, firstText(trustDomain, now));
      // Read back in any case: another process may have been first.
      file = readPrivateFile(path, MAX_FILE_BYTES);
    }
    if (file.kind === "none") return { kind: "unusable", reason: `${path}: vanished` };
    if (file.kind === "unusable") return { kind: "unusable", reason: `${path}: ${file.reason}` };
    const parsed = parseRootFile(file.text, trustDomain);
    if (parsed.kind === "unusable") return { kind: "unusable", reason: `${path}: ${parsed.reason}` };
    const store: RootStore = {
      replace: async (text) => {
        replacePrivateFile(path, text);
        return true;
      },
    };
    return { kind: "authority", authority: new EmbeddedAuthority(store, trustDomain, parsed.rotation) };
  }

  /** Opens the CA that replicas share, making the root where there is none. Rejects where the place can't be reached. */
  static async openShared(shared: SharedRoot, trustDomain: string, now: number): Promise<OpenedAuthority> {
    const parsed = parseRootFile(await shared.open(() => firstText(trustDomain, now)), trustDomain);
    if (parsed.kind === "unusable") return { kind: "unusable", reason: `the shared CA: ${parsed.reason}` };
    return { kind: "authority", authority: new EmbeddedAuthority(shared, trustDomain, parsed.rotation) };
  }

  get authority(): Authority {
    return this.#authority;
  }

  get bundle(): TrustBundle {
    return this.#bundle;
  }

  get rotation(): Rotation {
    return this.#rotation;
  }

  /** Makes a new root and hands it out beside the old one. False while a rotation is under way. */
  beginRotation(now: number): Promise<boolean> {
    return this.#become(begin(this.#rotation, newRoot(this.#trustDomain, now), now));
  }

  /** Takes the next step if `isConfirmed` by every sidecar; kept for good before it takes effect. */
  async advanceRotation(isConfirmed: (what: Confirmation) => boolean, now: number): Promise<Advance> {
    const { phase } = this.#rotation;
    const what = awaited(this.#rotation);
    if (what === undefined) return { kind: "steady" };
    const isNext = isConfirmed(what) && (await this.#become(next(this.#rotation, now)));
    return isNext ? { kind: "advanced", phase: this.#rotation.phase } : { kind: "waiting", phase, for: what };
  }

  /** Goes back to the old root. False once the new one signs: sidecars may hold its leaves. */
  abandonRotation(): Promise<boolean> {
    return this.#become(abandon(this.#rotation));
  }

  /**
   * Takes over what another replica has written, if it is a later step of what is known here. Another CA, such as that of an old
   * backup, is refused: sidecars hold leaves of this one.
   */
  adopt(text: string): Adoption {
    const parsed = parseRootFile(text, this.#trustDomain);
    if (parsed.kind === "unusable") return parsed;
    const { rotation } = parsed;
    if (text === formatRootFile(this.#trustDomain, this.#rotation)) return { kind: "unchanged" };
    if (!isSuccessor(this.#rotation, rotation)) {
      return { kind: "unusable", reason: "it is of another root than the one in use" };
    }
    this.#take(rotation);
    return { kind: "adopted", phase: rotation.phase };
  }

  async #become(rotation: Rotation | undefined): Promise<boolean> {
    if (rotation === undefined) return false;
    if (!(await this.#store.replace(formatRootFile(this.#trustDomain, rotation)))) return false;
    this.#take(rotation);
    return true;
  }

  #take(rotation: Rotation): void {
    this.#rotation = rotation;
    this.#authority = authorityOf(rotation);
    this.#bundle = trusted(rotation);
  }
}

function authorityOf({ active: { root, signer } }: Rotation): Authority {
  return { signer, certificate: root.certificate, chain: [], root };
}

function firstText(trustDomain: string, now: number): string {
  return formatRootFile(trustDomain, { phase: "steady", active: newRoot(trustDomain, now) });
}

function newRoot(trustDomain: string, now: number): SigningRoot {
  const { key, der } = makeRoot(trustDomain, now);
  const root = readRoot(der);
  const signer = signerFor(key.privateKey);
  if (typeof root === "string" || signer === undefined) throw new TypeError("our own root is usable");
  return { root, signer };
}
