/** A CA's private key with the signature algorithm that goes with it. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { TAG } from "../../identity/der.ts";
import { element, oid, sequence } from "../../identity/der-write.ts";
import { OID } from "../../identity/oids.ts";

export interface Signer {
  readonly key: KeyObject;
  /** AlgorithmIdentifier as DER. */
  readonly algorithm: Uint8Array;
  /** Undefined where the algorithm has its own. */
  readonly hash: string | undefined;
}

/** Undefined for kinds of keys that Weft signs nothing with. */
export function signerFor(key: KeyObject): Signer | undefined {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  switch (key.asymmetricKeyType) {
    case "ec":
      if (curve === "prime256v1") {
        return { key, algorithm: sequence(oid(OID.ecdsaWithSha256)), hash: "sha256" };
      }
      if (curve === "secp384r1") {
        return { key, algorithm: sequence(oid(OID.ecdsaWithSha384)), hash: "sha384" };
      }
      return undefined;
    case "rsa":
      return { key, algorithm: sequence(oid(OID.sha256WithRsa), element(TAG.null)), hash: "sha256" };
    case "ed25519":
      return { key, algorithm: sequence(oid(OID.ed25519)), hash: undefined };
    default:
      return undefined;
  }
}

/** From PKCS #8, SEC 1 or PKCS #1 in PEM, unencrypted; undefined for what is none of these. */
export function signerFromPem(pem: string): Signer | undefined {
  try {
    return signerFor(createPrivateKey(pem));
  } catch {
    return undefined;
  }
}

export function signWith(signer: Signer, data: Uint8Array): Uint8Array {
  return sign(signer.hash, data, signer.key);
}
