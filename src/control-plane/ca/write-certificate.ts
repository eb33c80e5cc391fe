/** Puts a certificate together and signs it (RFC 5280 §4.1). What goes into it is decided by the callers. */
import { randomBytes } from "node:crypto";
import { context } from "../../identity/der.ts";
import {
  bitString,
  element,
  integer,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from "../../identity/der-write.ts";
import { OID } from "../../identity/oids.ts";
import { type Signer, signWith } from "./signer.ts";

export interface CertificateContent {
  readonly serial: Uint8Array;
  /** Names as DER. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970; what is below a second is cut off. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo as DER. */
  readonly publicKey: Uint8Array;
  /** Each as DER. */
  readonly extensions: readonly Uint8Array[];
}

const VERSION_3 = element(context(0, true), integer(Uint8Array.of(2)));

/** The certificate as DER. */
export function writeCertificate(content: CertificateContent, signer: Signer): Buffer {
  const tbs = sequence(
    VERSION_3,
    integer(content.serial),
    signer.algorithm,
    content.issuer,
    sequence(time(content.notBefore), time(content.notAfter)),
    content.subject,
    content.publicKey,
    element(context(3, true), sequence(...content.extensions)),
  );
  return Buffer.from(sequence(tbs, signer.algorithm, bitString(signWith(signer, tbs))));
}

/** 126 random bits: unguessable, never equal to another, positive, and always of the same length. */
export function randomSerial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** A name of an organisation and something in it. */
export function distinguishedName(organization: string, commonName: string): Uint8Array {
  return sequence(attribute(OID.organization, organization), attribute(OID.commonName, commonName));
}

function attribute(id: string, value: string): Uint8Array {
  return set(sequence(oid(id), utf8String(value)));
}
