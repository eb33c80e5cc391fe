/**
 * The roots that a mesh trusts, at one moment: one as a rule, two while the root changes. Bundles are compared by their
 * digest, which is what sidecars confirm during a rotation.
 */
import { createHash, X509Certificate } from "node:crypto";
import { type Certificate, readCertificate } from "./certificate.ts";
import { isStrong } from "./leaf-check.ts";
import { KEY_USAGE } from "./oids.ts";
import { formatPem, parsePem } from "./pem.ts";

/** More roots than a change of roots ever needs. */
export const MAX_ROOTS = 16;

export interface Root {
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly der: Buffer;
  readonly certificate: Certificate;
}

export interface TrustBundle {
  /** In order of their fingerprints, each once. */
  readonly roots: readonly Root[];
  /** SHA-256 over the roots: equal for equal sets. */
  readonly digest: string;
  /** For the `ca` of a TLS context. */
  readonly pem: string;
}

export const BUNDLE_FAULTS = [
  "not_pem",
  "no_certificate",
  "malformed",
  "not_a_ca",
  "weak_key",
  "not_a_root",
] as const;
export type BundleFault = (typeof BUNDLE_FAULTS)[number];

export type ParsedBundle =
  | { readonly kind: "bundle"; readonly bundle: TrustBundle }
  | { readonly kind: "invalid"; readonly fault: BundleFault };

/** Reads a set of roots; one that cannot be used spoils all. */
export function parseBundle(pem: string): ParsedBundle {
  const blocks = parsePem(pem, "CERTIFICATE", MAX_ROOTS);
  if (blocks === undefined) return { kind: "invalid", fault: "not_pem" };
  if (blocks.length === 0) return { kind: "invalid", fault: "no_certificate" };
  const roots: Root[] = [];
  for (const der of blocks) {
    const root = readRoot(der);
    if (typeof root === "string") return { kind: "invalid", fault: root };
    roots.push(root);
  }
  return { kind: "bundle", bundle: bundleOf(roots) };
}

/**
 * One root, or what is wrong with it. An intermediate is none: OpenSSL would not end a chain at it, so every handshake
 * would fail.
 */
export function readRoot(der: Buffer): Root | BundleFault {
  const read = readCertificate(der);
  if (read.kind === "malformed") return "malformed";
  const { certificate } = read;
  const fault = caFault(certificate);
  if (fault !== undefined) return fault;
  if (Buffer.compare(certificate.issuer, certificate.subject) !== 0) return "not_a_root";
  return { fingerprint: createHash("sha256").update(der).digest("hex"), der, certificate };
}

/** What keeps a certificate from being that of a CA of ours. */
export function caFault({ isCa, keyUsage, keyKind }: Certificate): "not_a_ca" | "weak_key" | undefined {
  const canSign = keyUsage === undefined || (keyUsage & KEY_USAGE.keyCertSign) !== 0;
  if (!isCa || !canSign) return "not_a_ca";
  return isStrong(keyKind) ? undefined : "weak_key";
}

/** The set of some roots. */
export function bundleOf(roots: readonly Root[]): TrustBundle {
  const unique = new Map(roots.map((root) => [root.fingerprint, root]));
  const sorted = [...unique.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  const digest = createHash("sha256");
  for (const root of sorted) digest.update(root.fingerprint);
  return {
    roots: sorted,
    digest: digest.digest("hex"),
    pem: sorted.map((root) => formatPem("CERTIFICATE", root.der)).join(""),
  };
}

/** The first moment at which one of the roots is no longer valid; ms since 1970. */
export function bundleExpiry(bundle: TrustBundle): number {
  return Math.min(...bundle.roots.map((root) => root.certificate.notAfter));
}

/**
 * The root under which a chain (leaf first) stands, for display and for following a rotation; undefined where there is
 * none. No decision to trust a peer rests on it: that is OpenSSL's, in the handshake.
 */
export function rootOf(bundle: TrustBundle, chain: readonly Uint8Array[]): Root | undefined {
  let links: X509Certificate[];
  try {
    links = chain.map((der) => new X509Certificate(der));
  } catch {
    return undefined;
  }
  for (const [i, link] of links.entries()) {
    const issuer = links[i + 1];
    const root = bundle.roots.find((candidate) => isIssuedBy(link, new X509Certificate(candidate.der)));
    if (root !== undefined) return root;
    if (issuer === undefined || !isIssuedBy(link, issuer)) return undefined;
  }
  return undefined;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
