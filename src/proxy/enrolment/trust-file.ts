/**
 * The file of roots that a sidecar starts with. Once enrolled, the control plane says what is trusted; the file counts again
 * only when somebody has put other roots into it: a sidecar that was away while the root changed has no other way back.
 */
import { readFileSync } from "node:fs";
import { parseBundle, type TrustBundle } from "../../identity/trust-bundle.ts";

export class TrustFile {
  readonly #path: string;
  #bundle: TrustBundle;

  private constructor(path: string, bundle: TrustBundle) {
    this.#path = path;
    this.#bundle = bundle;
  }

  /** A reason where the file can't be used. */
  static open(path: string): TrustFile | string {
    const read = readBundle(path);
    return typeof read === "string" ? `${path}: ${read}` : new TrustFile(path, read);
  }

  /** As it was when it was last read. */
  get bundle(): TrustBundle {
    return this.#bundle;
  }

  /** Its roots if they are others than before; undefined where they are the same or can't be used. */
  reread(): TrustBundle | undefined {
    const read = readBundle(this.#path);
    if (typeof read === "string" || read.digest === this.#bundle.digest) return undefined;
    this.#bundle = read;
    return read;
  }
}

function readBundle(path: string): TrustBundle | string {
  try {
    const parsed = parseBundle(readFileSync(path, "utf8"));
    return parsed.kind === "bundle" ? parsed.bundle : `no trust bundle: ${parsed.fault}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
