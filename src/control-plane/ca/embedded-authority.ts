/**
 * The default CA: a root of its own, made at the first start and kept in one file of its owner's. A file that is there and
 * cannot be used is an error, never a reason to make another root: that would cut every sidecar off.
 */
import { join } from "node:path";
import type { TrustBundle } from "../../identity/trust-bundle.ts";
import { readRoot } from "../../identity/trust-bundle.ts";
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

export class EmbeddedAuthority implements AuthoritySource {
  readonly #path: string;
  readonly #trustDomain: string;
  #rotation: Rotation;
  #authority: Authority;
  #bundle: TrustBundle;

  private constructor(path: string, trustDomain: string, rotation: Rotation) {
    this.#path = path;
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
      const rotation: Rotation = { phase: "steady", active: newRoot(trustDomain, now) };
      createPrivateFile(path, formatRootFile(trustDomain, rotation));
      // Read back in any case: another process may have been first.
      file = readPrivateFile(path, MAX_FILE_BYTES);
    }
    if (file.kind === "none") return { kind: "unusable", reason: `${path}: vanished` };
    if (file.kind === "unusable") return { kind: "unusable", reason: `${path}: ${file.reason}` };
    const parsed = parseRootFile(file.text, trustDomain);
    if (parsed.kind === "unusable") return { kind: "unusable", reason: `${path}: ${parsed.reason}` };
    return { kind: "authority", authority: new EmbeddedAuthority(path, trustDomain, parsed.rotation) };
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
  beginRotation(now: number): boolean {
    return this.#become(begin(this.#rotation, newRoot(this.#trustDomain, now), now));
  }

  /** Takes the next step if `isConfirmed` by every sidecar; on the disk before it takes effect. */
  advanceRotation(isConfirmed: (what: Confirmation) => boolean, now: number): Advance {
    const what = awaited(this.#rotation);
    if (what === undefined) return { kind: "steady" };
    if (!isConfirmed(what)) return { kind: "waiting", phase: this.#rotation.phase, for: what };
    this.#become(next(this.#rotation, now));
    return { kind: "advanced", phase: this.#rotation.phase };
  }

  /** Goes back to the old root. False once the new one signs: sidecars may hold its leaves. */
  abandonRotation(): boolean {
    return this.#become(abandon(this.#rotation));
  }

  #become(rotation: Rotation | undefined): boolean {
    if (rotation === undefined) return false;
    replacePrivateFile(this.#path, formatRootFile(this.#trustDomain, rotation));
    this.#rotation = rotation;
    this.#authority = authorityOf(rotation);
    this.#bundle = trusted(rotation);
    return true;
  }
}

function authorityOf({ active: { root, signer } }: Rotation): Authority {
  return { signer, certificate: root.certificate, chain: [], root };
}

function newRoot(trustDomain: string, now: number): SigningRoot {
  const { key, der } = makeRoot(trustDomain, now);
  const root = readRoot(der);
  const signer = signerFor(key.privateKey);
  if (typeof root === "string" || signer === undefined) throw new TypeError("our own root is usable");
  return { root, signer };
}
