/** The extensions of the certificates that Weft writes (RFC 5280 §4.2.1), as DER. */
import { createHash } from "node:crypto";
import { NAME_TAG } from "../../identity/certificate.ts";
import { context, DerReader, TAG } from "../../identity/der.ts";
import { readBitBytes } from "../../identity/der-values.ts";
import {
  boolean,
  element,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
} from "../../identity/der-write.ts";
import { OID } from "../../identity/oids.ts";

/** One extension; `value` is its DER. */
export function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return isCritical
    ? sequence(oid(id), boolean(true), octetString(value))
    : sequence(oid(id), octetString(value));
}

/** For a leaf: no CA. */
export function leafConstraints(): Uint8Array {
  return extension(OID.basicConstraints, true, sequence());
}

/** For a CA: how many CAs may stand between it and a leaf. */
export function caConstraints(pathLength: number): Uint8Array {
  return extension(OID.basicConstraints, true, sequence(boolean(true), integer(Uint8Array.of(pathLength))));
}

/** Bits as in `KEY_USAGE`. */
export function keyUsage(bits: number): Uint8Array {
  return extension(OID.keyUsage, true, namedBits(bits));
}

export function extendedKeyUsage(...uses: readonly string[]): Uint8Array {
  return extension(OID.extendedKeyUsage, false, sequence(...uses.map(oid)));
}

/** `isCritical` must be set where the subject is empty (RFC 5280 §4.2.1.6). `hosts`: DNS names beside it. */
export function uriName(uri: string, isCritical: boolean, hosts: readonly string[] = []): Uint8Array {
  const name = element(NAME_TAG.uri, Buffer.from(uri, "latin1"));
  const dnsNames = hosts.map((host) => element(NAME_TAG.dns, Buffer.from(host, "latin1")));
  return extension(OID.subjectAltName, isCritical, sequence(name, ...dnsNames));
}

export function subjectKeyIdentifier(keyId: Uint8Array): Uint8Array {
  return extension(OID.subjectKeyIdentifier, false, octetString(keyId));
}

/** Lets a verifier tell two roots of one name apart. */
export function authorityKeyIdentifier(keyId: Uint8Array): Uint8Array {
  return extension(OID.authorityKeyIdentifier, false, sequence(element(context(0, false), keyId)));
}

/** 160 bits of the SHA-256 of the key (RFC 7093 §2, method 1); `publicKey` is a SubjectPublicKeyInfo. */
export function keyIdOf(publicKey: Uint8Array): Uint8Array {
  const info = new DerReader(publicKey).enter(TAG.sequence);
  info.element(TAG.sequence);
  return createHash("sha256").update(readBitBytes(info)).digest().subarray(0, 20);
}
