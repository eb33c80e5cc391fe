/**
 * A workload's key pair: P-256, made in memory and kept there. OpenSSL takes the private key as PEM, so there is one
 * moment at which it is text; it never reaches a file, a log or a message.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";

export interface Key {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo as DER. */
  readonly publicKey: Buffer;
}

/** Takes about 0.1 ms, so it need not be asynchronous. */
export function makeKey(): Key {
  return keyOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
}

/** The pair that belongs to a private key. */
export function keyOf(privateKey: KeyObject): Key {
  return { privateKey, publicKey: createPublicKey(privateKey).export({ type: "spki", format: "der" }) };
}

/** For `tls.createSecureContext`. */
export function privateKeyPem(key: Key): string {
  return key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
