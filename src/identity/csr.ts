/**
 * A certificate signing request (PKCS #10, RFC 2986) with nothing but a public key in it: who asks is proven by evidence
 * beside it, and a CA ignores the names in a request.
 */
import { sign } from "node:crypto";
import { context } from "./der.ts";
import { bitString, element, integer, oid, sequence } from "./der-write.ts";
import type { Key } from "./key.ts";
import { OID } from "./oids.ts";

/** The request for a P-256 key, signed by it, as DER. */
export function makeCsr(key: Key): Buffer {
  const version = integer(Uint8Array.of(0));
  const info = sequence(version, sequence(), key.publicKey, element(context(0, true)));
  const signature = sign("sha256", info, key.privateKey);
  return Buffer.from(sequence(info, sequence(oid(OID.ecdsaWithSha256)), bitString(signature)));
}
