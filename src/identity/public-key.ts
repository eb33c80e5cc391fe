/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): which kind of key, and how strong. */
import { DerError, DerReader, TAG } from "./der.ts";
import { readBitBytes, readInteger, readOid } from "./der-values.ts";
import { OID } from "./oids.ts";

export type PublicKeyKind =
  | { readonly kind: "ec"; readonly curve: "P-256" | "P-384" | "P-521" }
  | { readonly kind: "rsa"; readonly bits: number }
  | { readonly kind: "ed25519" }
  | { readonly kind: "other" };

const CURVES: Readonly<Record<string, "P-256" | "P-384" | "P-521">> = {
  [OID.p256]: "P-256",
  [OID.p384]: "P-384",
  [OID.p521]: "P-521",
};

/** Throws a DerError where the structure is broken. Whether a point lies on its curve is OpenSSL's to say. */
export function readPublicKey(spki: Uint8Array): PublicKeyKind {
  const file = new DerReader(spki);
  const info = file.enter(TAG.sequence);
  file.end();
  const algorithm = info.enter(TAG.sequence);
  const id = readOid(algorithm);
  const key = readBitBytes(info);
  info.end();
  switch (id) {
    case OID.ecPublicKey: {
      // Explicit curve parameters instead of a name let whoever made the key choose the group (CVE-2020-0601).
      if (algorithm.tag !== TAG.oid) return { kind: "other" };
      const curve = CURVES[readOid(algorithm)];
      algorithm.end();
      return curve === undefined ? { kind: "other" } : { kind: "ec", curve };
    }
    case OID.rsaEncryption:
      return { kind: "rsa", bits: modulusBits(key) };
    case OID.ed25519:
      return { kind: "ed25519" };
    default:
      return { kind: "other" };
  }
}

function modulusBits(key: Uint8Array): number {
  const file = new DerReader(key);
  const modulus = readInteger(file.enter(TAG.sequence));
  file.end();
  const start = modulus[0] === 0 ? 1 : 0;
  const first = modulus[start];
  if (first === undefined) throw new DerError("empty modulus");
  return (modulus.length - start) * 8 - (Math.clz32(first) - 24);
}
