/**
 * Certificates of any kind, above all wrong ones, made when a test runs. Each maker starts from a right one, and a test
 * changes the one thing that it is about.
 */
import { generateKeyPairSync } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import * as extensions from "../../src/control-plane/ca/extensions.ts";
import { type Signer, signerFor } from "../../src/control-plane/ca/signer.ts";
import {
  type CertificateContent,
  distinguishedName,
  randomSerial,
  writeCertificate,
} from "../../src/control-plane/ca/write-certificate.ts";
import { NAME_TAG } from "../../src/identity/certificate.ts";
import { element, oid, sequence } from "../../src/identity/der-write.ts";
import { type Key, keyOf, makeKey, privateKeyPem } from "../../src/identity/key.ts";
import { KEY_USAGE, OID } from "../../src/identity/oids.ts";
import { formatPem } from "../../src/identity/pem.ts";

export const TRUST_DOMAIN = "cluster.local";
export const WEB = `spiffe://${TRUST_DOMAIN}/ns/default/sa/web`;
export const HOUR = 3_600_000;

/** Someone with a certificate: a CA, or a leaf that acts as one. */
export interface Holder {
  readonly der: Buffer;
  readonly key: Key;
  readonly name: Uint8Array;
}

export type Change = Partial<CertificateContent> & {
  readonly key?: Key;
  readonly signer?: Signer;
};

/** A right CA, under itself or under another; `name` is its common name. */
export function makeCa(name: string, issuer?: Holder, change: Change = {}): Holder {
  const key = change.key ?? makeKey();
  const subject = distinguishedName("test", name);
  const usage = KEY_USAGE.keyCertSign | KEY_USAGE.crlSign;
  const content: CertificateContent = {
    serial: randomSerial(),
    issuer: issuer?.name ?? subject,
    subject,
    notBefore: Date.now() - HOUR,
    notAfter: Date.now() + 48 * HOUR,
    publicKey: key.publicKey,
    extensions: [
      extensions.caConstraints(issuer === undefined ? 1 : 0),
      extensions.keyUsage(usage),
      extensions.subjectKeyIdentifier(extensions.keyIdOf(key.publicKey)),
    ],
    ...change,
  };
  const der = writeCertificate(content, change.signer ?? signerOf(issuer?.key ?? key));
  return { der, key, name: subject };
}

/** A right leaf for `WEB`, but for what is changed. */
export function makeLeaf(issuer: Holder, change: Change = {}): Holder {
  const key = change.key ?? makeKey();
  const subject = change.subject ?? sequence();
  const content: CertificateContent = {
    serial: randomSerial(),
    issuer: issuer.name,
    subject,
    notBefore: Date.now() - HOUR,
    notAfter: Date.now() + 24 * HOUR,
    publicKey: key.publicKey,
    extensions: leafExtensions(),
    ...change,
  };
  return { der: writeCertificate(content, change.signer ?? signerOf(issuer.key)), key, name: subject };
}

/** The extensions of a right leaf, of which single ones may be replaced; undefined leaves one out. */
export function leafExtensions(
  change: {
    readonly [name in "constraints" | "usage" | "extendedUsage" | "names"]?: Uint8Array | undefined;
  } = {},
): readonly Uint8Array[] {
  const all = {
    constraints: extensions.leafConstraints(),
    usage: extensions.keyUsage(KEY_USAGE.digitalSignature),
    extendedUsage: extensions.extendedKeyUsage(OID.clientAuth, OID.serverAuth),
    names: extensions.uriName(WEB, true),
    ...change,
  };
  return Object.values(all).filter((value) => value !== undefined);
}

export type NameText = readonly [kind: keyof typeof NAME_TAG, text: string];

/** A subjectAltName of any names. */
export function namesExtension(...names: readonly NameText[]): Uint8Array {
  const elements = names.map(([kind, text]) => element(NAME_TAG[kind], Buffer.from(text, "latin1")));
  return extensions.extension(OID.subjectAltName, true, sequence(...elements));
}

export function signerOf(key: Key): Signer {
  const signer = signerFor(key.privateKey);
  if (signer === undefined) throw new TypeError("a key that signs");
  return signer;
}

/** Signs with SHA-1, as nothing of ours would. */
export function sha1SignerOf(key: Key): Signer {
  const ecdsaWithSha1 = "1.2.840.10045.4.1";
  return { key: key.privateKey, algorithm: sequence(oid(ecdsaWithSha1)), hash: "sha1" };
}

export function makeRsaKey(bits: number): Key {
  return keyOf(generateKeyPairSync("rsa", { modulusLength: bits }).privateKey);
}

export function pemOf(...holders: readonly Holder[]): string {
  return holders.map(({ der }) => formatPem("CERTIFICATE", der)).join("");
}

/** What a TLS context needs for a leaf and the CAs above it. */
export function contextOf(leaf: Holder, ...above: readonly Holder[]): SecureContextOptions {
  return { key: privateKeyPem(leaf.key), cert: pemOf(leaf, ...above) };
}
