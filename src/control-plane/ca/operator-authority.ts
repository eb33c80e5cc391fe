/**
 * A CA that the operator brings, as PEM files in one directory: what cert-manager and Kubernetes' TLS Secrets hold
 * (`tls.crt`, `tls.key`, `ca.crt`), or the names that Istio's users know (`ca-cert.pem`, `ca-key.pem`, `root-cert.pem`). The first
 * file starts with the certificate that signs, followed by those between it and the root; the last one is the set of roots
 * to trust. The files are read again whenever the directory changes; a set that is not whole or would cut sidecars off is
 * refused, and the one before stays in use.
 */
import { createPublicKey } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readCertificate } from "../../identity/certificate.ts";
import { parsePem } from "../../identity/pem.ts";
import { MAX_CHAIN } from "../../identity/svid.ts";
import { caFault, parseBundle, rootOf, type TrustBundle } from "../../identity/trust-bundle.ts";
import type { Authority } from "./authority.ts";
import { canIssue } from "./issue.ts";
import { signerFromPem } from "./signer.ts";

const LAYOUTS = [
  { chain: "tls.crt", key: "tls.key", roots: "ca.crt" },
  { chain: "ca-cert.pem", key: "ca-key.pem", roots: "root-cert.pem" },
] as const;
const MAX_FILE_BYTES = 256 * 1024;

export const AUTHORITY_FAULTS = [
  "no_files",
  "unreadable",
  "chain_not_usable",
  "signer_not_a_ca",
  "key_not_usable",
  "key_of_other_certificate",
  "roots_not_usable",
  "no_path_to_a_root",
  "not_valid_now",
] as const;
export type AuthorityFault = (typeof AUTHORITY_FAULTS)[number];

export type ReadAuthority =
  | { readonly kind: "authority"; readonly authority: Authority; readonly bundle: TrustBundle }
  | { readonly kind: "unusable"; readonly fault: AuthorityFault; readonly detail: string };

/** Reads a directory's CA at `now` (ms since 1970). Never throws. */
export function readOperatorAuthority(directory: string, now: number): ReadAuthority {
  const layout = LAYOUTS.find(({ key }) => statSync(join(directory, key), { throwIfNoEntry: false }));
  if (layout === undefined) return unusable("no_files", `neither tls.key nor ca-key.pem in ${directory}`);
  const [chain, key, roots] = [layout.chain, layout.key, layout.roots].map((name) =>
    readText(join(directory, name)),
  );
  if (chain === undefined || key === undefined || roots === undefined) {
    return unusable(
      "unreadable",
      `${layout.chain}, ${layout.key} and ${layout.roots} in ${directory} are all needed`,
    );
  }

  const blocks = parsePem(chain, "CERTIFICATE", MAX_CHAIN);
  const own = blocks?.[0];
  if (blocks === undefined || own === undefined)
    return unusable("chain_not_usable", `${layout.chain} is not PEM`);
  const read = readCertificate(own);
  if (read.kind === "malformed") return unusable("chain_not_usable", `${layout.chain}: ${read.detail}`);
  const { certificate } = read;
  if (caFault(certificate) !== undefined) {
    return unusable("signer_not_a_ca", `the first certificate of ${layout.chain} may not sign others`);
  }

  const signer = signerFromPem(key);
  if (signer === undefined) {
    return unusable("key_not_usable", `${layout.key} is no unencrypted P-256, P-384, RSA or Ed25519 key`);
  }
  const publicKey = createPublicKey(signer.key).export({ type: "spki", format: "der" });
  if (!publicKey.equals(certificate.publicKey)) {
    return unusable("key_of_other_certificate", `${layout.key} does not belong to ${layout.chain}`);
  }

  const parsed = parseBundle(roots);
  if (parsed.kind === "invalid") return unusable("roots_not_usable", `${layout.roots}: ${parsed.fault}`);
  const { bundle } = parsed;
  const isRoot = (der: Buffer) => bundle.roots.some((root) => root.der.equals(der));
  const above = blocks.filter((der) => !isRoot(der));
  const root = bundle.roots.find((candidate) => candidate.der.equals(own)) ?? rootOf(bundle, above);
  if (root === undefined)
    return unusable("no_path_to_a_root", `${layout.chain} leads to no root of ${layout.roots}`);
  const authority: Authority = { signer, certificate, chain: above, root };
  if (!canIssue(authority, now)) {
    return unusable("not_valid_now", `${layout.chain} or its root has expired or is not valid yet`);
  }
  return { kind: "authority", authority, bundle };
}

function readText(path: string): string | undefined {
  try {
    return statSync(path).size > MAX_FILE_BYTES ? undefined : readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function unusable(fault: AuthorityFault, detail: string): ReadAuthority {
  return { kind: "unusable", fault, detail };
}
