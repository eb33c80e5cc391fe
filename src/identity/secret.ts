/**
 * What a traffic loop proves itself with and judges others by, as plain data: it crosses to the loops in memory, and goes
 * nowhere else. A loop needs no more than this module's types.
 */
import { randomBytes } from "node:crypto";
import { privateKeyPem } from "./key.ts";
import type { Svid } from "./svid.ts";
import type { TrustBundle } from "./trust-bundle.ts";

export interface Secret {
  /** The sidecar's own SPIFFE id. */
  readonly id: string;
  readonly trustDomain: string;
  /** Of the leaf; milliseconds since 1970. */
  readonly notAfter: number;
  /** As PEM. */
  readonly privateKey: string;
  /** Leaf first, without the root, as PEM. */
  readonly chain: string;
  /** Roots as PEM. */
  readonly bundle: string;
  /** 48 bytes that all loops of a sidecar share, so that a session begun at one is resumed at another. */
  readonly ticketKeys: Uint8Array;
}

/** The secret of a certificate and the roots to trust with it. Sessions begun under another one are not resumed. */
export function secretOf(svid: Svid, bundle: TrustBundle): Secret {
  return {
    id: svid.id,
    trustDomain: svid.workload.trustDomain,
    notAfter: svid.notAfter,
    privateKey: privateKeyPem(svid.key),
    chain: svid.chain,
    bundle: bundle.pem,
    ticketKeys: randomBytes(48),
  };
}
