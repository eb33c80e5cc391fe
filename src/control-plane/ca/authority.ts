/** Who signs leaves at a moment: a root itself, or an intermediate below one. Two sources give it: embedded and operator's. */
import type { Certificate } from "../../identity/certificate.ts";
import type { Root, TrustBundle } from "../../identity/trust-bundle.ts";
import type { Signer } from "./signer.ts";

export interface Authority {
  readonly signer: Signer;
  /** The signer's own certificate. */
  readonly certificate: Certificate;
  /** What is sent with a leaf: the signer and the CAs above it, as DER, without the root. */
  readonly chain: readonly Buffer[];
  /** The root above it. */
  readonly root: Root;
}

/** What the CA signs with and what sidecars are to trust; both may change from one call to the next. */
export interface AuthoritySource {
  readonly authority: Authority;
  readonly bundle: TrustBundle;
}
