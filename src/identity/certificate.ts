/**
 * What Weft looks at in an X.509 certificate (RFC 5280 §4), read from its DER. Node's `X509Certificate` gives names as one
 * joined string, out of which an attacker's name can look like several (CVE-2021-44531, -44532); here each name keeps its
 * tag and its bytes. Nothing is verified here: signatures and chains are OpenSSL's.
 */
import { context, DerError, DerReader, TAG } from "./der.ts";
import {
  readBitBytes,
  readBoolean,
  readInteger,
  readNamedBits,
  readOid,
  readSmallInteger,
  readTime,
} from "./der-values.ts";
import { OID } from "./oids.ts";
import { type PublicKeyKind, readPublicKey } from "./public-key.ts";

/** A larger certificate is refused unread: ours have 500 bytes. */
export const MAX_CERTIFICATE_BYTES = 16 * 1024;
const MAX_EXTENSIONS = 32;
const MAX_NAMES = 64;

/** Tags of a GeneralName (RFC 5280 §4.2.1.6) that hold text. */
export const NAME_TAG = { email: context(1, false), dns: context(2, false), uri: context(6, false) } as const;

export interface GeneralName {
  readonly tag: number;
  readonly value: Uint8Array;
}

export interface Certificate {
  /** Lower-case hexadecimal, without leading zeros. */
  readonly serial: string;
  readonly signatureAlgorithm: string;
  /** As DER. */
  readonly issuer: Uint8Array;
  /** As DER. */
  readonly subject: Uint8Array;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo as DER. */
  readonly publicKey: Uint8Array;
  readonly keyKind: PublicKeyKind;
  readonly isCa: boolean;
  /** Bits as in `KEY_USAGE`; undefined where the extension is absent. */
  readonly keyUsage: number | undefined;
  /** Object identifiers; undefined where the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly names: readonly GeneralName[];
  /** Undefined where the extension is absent. */
  readonly subjectKeyId: Uint8Array | undefined;
}

export type ReadCertificate =
  | { readonly kind: "certificate"; readonly certificate: Certificate }
  | { readonly kind: "malformed"; readonly detail: string };

/** Reads one certificate. */
export function readCertificate(bytes: Uint8Array): ReadCertificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES) return { kind: "malformed", detail: "too large" };
  try {
    return { kind: "certificate", certificate: read(bytes) };
  } catch (error) {
    if (error instanceof DerError) return { kind: "malformed", detail: error.message };
    throw error;
  }
}

function read(bytes: Uint8Array): Certificate {
  const file = new DerReader(bytes);
  const outer = file.enter(TAG.sequence);
  file.end();
  const tbs = outer.enter(TAG.sequence);
  const outerAlgorithm = outer.element(TAG.sequence);
  readBitBytes(outer);
  outer.end();

  const version = tbs.enter(context(0, true));
  if (readSmallInteger(version) !== 2) throw new DerError("not version 3");
  version.end();
  const serial = Buffer.from(readInteger(tbs)).toString("hex");
  const algorithm = tbs.element(TAG.sequence);
  if (Buffer.compare(algorithm, outerAlgorithm) !== 0) throw new DerError("two signature algorithms");
  const issuer = tbs.element(TAG.sequence);
  const validity = tbs.enter(TAG.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  validity.end();
  const subject = tbs.element(TAG.sequence);
  const publicKey = tbs.element(TAG.sequence);
  tbs.optional(context(1, false));
  tbs.optional(context(2, false));
  const extensions = readExtensions(tbs.optional(context(3, true)));
  tbs.end();

  return {
    serial: serial.replace(/^0+(?=.)/, ""),
    signatureAlgorithm: readOid(new DerReader(algorithm).enter(TAG.sequence)),
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    keyKind: readPublicKey(publicKey),
    isCa: readIsCa(extensions.get(OID.basicConstraints)),
    keyUsage: readWhole(extensions.get(OID.keyUsage), readNamedBits),
    extendedKeyUsage: readUsages(extensions.get(OID.extendedKeyUsage)),
    names: readNames(extensions.get(OID.subjectAltName)),
    subjectKeyId: readWhole(extensions.get(OID.subjectKeyIdentifier), (der) => der.content(TAG.octetString)),
  };
}

function readExtensions(explicit: DerReader | undefined): ReadonlyMap<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  if (explicit === undefined) return extensions;
  const list = explicit.enter(TAG.sequence);
  explicit.end();
  while (!list.isAtEnd) {
    const extension = list.enter(TAG.sequence);
    const id = readOid(extension);
    if (extension.tag === TAG.boolean) readBoolean(extension);
    // Of two, another reader might take the other one.
    if (extensions.has(id) || extensions.size === MAX_EXTENSIONS) throw new DerError("extensions");
    extensions.set(id, extension.content(TAG.octetString));
    extension.end();
  }
  return extensions;
}

function readIsCa(bytes: Uint8Array | undefined): boolean {
  if (bytes === undefined) return false;
  const file = new DerReader(bytes);
  const constraints = file.enter(TAG.sequence);
  file.end();
  const isCa = constraints.tag === TAG.boolean && readBoolean(constraints);
  if (!constraints.isAtEnd) readSmallInteger(constraints);
  constraints.end();
  return isCa;
}

function readUsages(bytes: Uint8Array | undefined): readonly string[] | undefined {
  return readWhole(bytes, (file) => {
    const list = file.enter(TAG.sequence);
    const usages: string[] = [];
    while (!list.isAtEnd && usages.length < MAX_NAMES) usages.push(readOid(list));
    list.end();
    return usages;
  });
}

function readNames(bytes: Uint8Array | undefined): readonly GeneralName[] {
  const names = readWhole(bytes, (file) => {
    const list = file.enter(TAG.sequence);
    const found: GeneralName[] = [];
    while (!list.isAtEnd && found.length < MAX_NAMES) {
      const tag = list.tag;
      found.push({ tag, value: list.content(tag) });
    }
    list.end();
    return found;
  });
  return names ?? [];
}

function readWhole<T>(bytes: Uint8Array | undefined, readOne: (der: DerReader) => T): T | undefined {
  if (bytes === undefined) return undefined;
  const file = new DerReader(bytes);
  const value = readOne(file);
  file.end();
  return value;
}
