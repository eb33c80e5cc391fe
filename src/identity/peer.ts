/**
 * The one question that a connection asks of its other end: who are you? OpenSSL's verdict on the chain comes first and is
 * final; what it lets through, `leaf-check.ts` looks at. To learn why a peer is refused, sockets have `rejectUnauthorized:
 * false` (a server with true closes without a word), and clients a `checkServerIdentity` that finds nothing wrong, as names
 * here are SPIFFE ids, not hosts. So nothing but a `peer` verdict may be served, on resumed sessions as on new ones.
 */
import { checkLeaf, LEAF_REFUSALS, type LeafRule, type LeafVerdict } from "./leaf-check.ts";

export const PEER_REFUSALS = ["no_certificate", "untrusted_root", "invalid_chain", ...LEAF_REFUSALS] as const;
export type PeerRefusal = (typeof PEER_REFUSALS)[number];

/** What a TLS socket knows of its peer after the handshake. */
export interface Peer {
  /** `authorized` of the socket. */
  readonly isVerified: boolean;
  /** `authorizationError` of the socket: OpenSSL's word for what is wrong with the chain. */
  readonly chainError: string | undefined;
  /**
   * `getPeerX509Certificate()?.raw` of the socket. On a resumed session a client's socket has none: then the leaf that the
   * session began with, which a client keeps beside it.
   */
  readonly leaf: Uint8Array | undefined;
}

export type PeerVerdict =
  | Extract<LeafVerdict, { kind: "peer" }>
  | { readonly kind: "refused"; readonly reason: PeerRefusal };

/** Who the peer is, or why it is nobody. */
export function verifyPeer(peer: Peer, rule: LeafRule): PeerVerdict {
  if (peer.leaf === undefined) return { kind: "refused", reason: "no_certificate" };
  if (peer.isVerified) return checkLeaf(peer.leaf, rule);
  const known = CHAIN_ERRORS.get(peer.chainError ?? "");
  if (known !== undefined) return { kind: "refused", reason: known };
  // Node has no word for most of OpenSSL's errors; where the leaf is to blame, our own check finds it.
  const verdict = checkLeaf(peer.leaf, rule);
  return verdict.kind === "refused" ? verdict : { kind: "refused", reason: "invalid_chain" };
}

/** OpenSSL's X509_V_ERR words, without their prefix. */
const CHAIN_ERRORS: ReadonlyMap<string, PeerRefusal> = new Map([
  ["CERT_HAS_EXPIRED", "expired"],
  ["CERT_NOT_YET_VALID", "not_yet_valid"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "untrusted_root"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "untrusted_root"],
  ["UNABLE_TO_GET_ISSUER_CERT", "untrusted_root"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "untrusted_root"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "untrusted_root"],
  ["CERT_SIGNATURE_FAILURE", "untrusted_root"],
  ["CERT_UNTRUSTED", "untrusted_root"],
  ["INVALID_PURPOSE", "wrong_extended_key_usage"],
]);
