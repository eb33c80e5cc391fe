/**
 * An X.509-SVID: a workload's key, its leaf and the chain above it. What a CA has answered becomes one only after the
 * same checks that every peer will make, so that a wrong answer leaves the certificate before it in use.
 */

import type { Key } from "./key.ts";
import { checkLeaf, type LeafRefusal } from "./leaf-check.ts";
import { formatPem, parsePem } from "./pem.ts";
import type { WorkloadId } from "./spiffe-id.ts";
import { rootOf, type TrustBundle } from "./trust-bundle.ts";

/** Longest chain without its root. */
export const MAX_CHAIN = 8;
/** A longer chain as PEM is refused unread. */
export const MAX_CHAIN_CHARACTERS = 128 * 1024;

export interface Svid {
  readonly key: Key;
  /** SPIFFE id. */
  readonly id: string;
  readonly workload: WorkloadId;
  /** Leaf first, without the root, as PEM. */
  readonly chain: string;
  /** Of the leaf, lower-case hexadecimal. */
  readonly serial: string;
  /** Of the leaf; milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Fingerprint of the root above it. */
  readonly root: string;
}

export const CHAIN_REFUSALS = ["not_pem", "other_key", "other_identity", "no_root"] as const;
export type ChainRefusal = (typeof CHAIN_REFUSALS)[number] | LeafRefusal;

export type AcceptedChain =
  | { readonly kind: "svid"; readonly svid: Svid }
  | { readonly kind: "refused"; readonly reason: ChainRefusal };

export interface ChainRule {
  readonly bundle: TrustBundle;
  readonly trustDomain: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The identity that it must be, where it is known before. */
  readonly id?: string;
}

/** Takes what a CA has issued for `key`. */
export function acceptChain(key: Key, pem: string, rule: ChainRule): AcceptedChain {
  const blocks = pem.length > MAX_CHAIN_CHARACTERS ? undefined : parsePem(pem, "CERTIFICATE", MAX_CHAIN);
  const leaf = blocks?.[0];
  if (blocks === undefined || leaf === undefined) return { kind: "refused", reason: "not_pem" };
  const { trustDomain, now } = rule;
  const asClient = checkLeaf(leaf, { trustDomain, now, role: "client" });
  if (asClient.kind === "refused") return asClient;
  const asServer = checkLeaf(leaf, { trustDomain, now, role: "server" });
  if (asServer.kind === "refused") return asServer;
  const { id, workload, certificate } = asServer;
  if (!key.publicKey.equals(certificate.publicKey)) return { kind: "refused", reason: "other_key" };
  if (rule.id !== undefined && rule.id !== id) return { kind: "refused", reason: "other_identity" };
  const root = rootOf(rule.bundle, blocks);
  if (root === undefined) return { kind: "refused", reason: "no_root" };
  const { serial, notBefore, notAfter } = certificate;
  const chain = blocks.map((der) => formatPem("CERTIFICATE", der)).join("");
  const svid: Svid = { key, id, workload, chain, serial, notBefore, notAfter, root: root.fingerprint };
  return { kind: "svid", svid };
}
