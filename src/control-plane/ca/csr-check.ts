/**
 * What a CA asks of a certificate signing request (PKCS #10, RFC 2986): a P-256 key, and proof that the asker holds its
 * private half. Names, attributes and wished extensions are skipped unread, whatever they are; only the key is taken.
 * Cheap checks come first: an oversize or malformed request costs microseconds, a signature is verified once, on a curve
 * that we chose.
 */
import { createPublicKey, verify } from "node:crypto";
import { context, DerError, DerReader, TAG } from "../../identity/der.ts";
import { readBitBytes, readOid, readSmallInteger } from "../../identity/der-values.ts";
import { OID } from "../../identity/oids.ts";
import { readPublicKey } from "../../identity/public-key.ts";

/** Ours have 200 bytes, those of other tools with names and wishes under 1,500. */
export const MAX_CSR_BYTES = 4096;
/** SubjectPublicKeyInfo of a P-256 key with its point written out, the one form that ends up in certificates. */
const P256_BYTES = 91;

export const CSR_REFUSALS = ["csr_too_large", "csr_malformed", "csr_key", "csr_signature"] as const;
export type CsrRefusal = (typeof CSR_REFUSALS)[number];

export interface ReadCsr {
  readonly kind: "csr";
  /** SubjectPublicKeyInfo as DER, P-256. */
  readonly publicKey: Uint8Array;
  /** The signed part. */
  readonly info: Uint8Array;
  readonly signature: Uint8Array;
}

type RefusedCsr = { readonly kind: "refused"; readonly reason: CsrRefusal };

/** The cheap half: size, structure, kind of key. */
export function readCsr(bytes: Uint8Array): ReadCsr | RefusedCsr {
  if (bytes.length > MAX_CSR_BYTES) return { kind: "refused", reason: "csr_too_large" };
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof DerError) return { kind: "refused", reason: "csr_malformed" };
    throw error;
  }
}

/** The other half: whether the request was signed by the key in it. */
export function isSignedByItsKey({ publicKey, info, signature }: ReadCsr): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), type: "spki", format: "der" });
    return verify("sha256", info, key, signature);
  } catch {
    // A point that is not on the curve.
    return false;
  }
}

function read(bytes: Uint8Array): ReadCsr | RefusedCsr {
  const file = new DerReader(bytes);
  const request = file.enter(TAG.sequence);
  file.end();
  const info = request.element(TAG.sequence);
  const algorithm = request.enter(TAG.sequence);
  const signature = readBitBytes(request);
  request.end();

  const inner = new DerReader(info).enter(TAG.sequence);
  if (readSmallInteger(inner) !== 0) throw new DerError("not version 1");
  inner.element(TAG.sequence);
  const publicKey = inner.element(TAG.sequence);
  // RFC 2986 wants the attributes, some tools leave an empty set of them out.
  if (inner.tag === context(0, true)) inner.element();
  inner.end();

  const key = readPublicKey(publicKey);
  const signatureAlgorithm = readOid(algorithm);
  algorithm.end();
  const isP256 = key.kind === "ec" && key.curve === "P-256" && publicKey.length === P256_BYTES;
  if (!isP256 || signatureAlgorithm !== OID.ecdsaWithSha256) return { kind: "refused", reason: "csr_key" };
  return { kind: "csr", publicKey, info, signature };
}
