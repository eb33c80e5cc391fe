/**
 * Signs a leaf: one URI name, the identity that was attested, and nothing that the asker chose but the public key. The
 * subject is empty, as names in it would be a second identity.
 */

import { sequence } from "../../identity/der-write.ts";
import { CLOCK_SKEW_MS } from "../../identity/leaf-check.ts";
import { KEY_USAGE, OID } from "../../identity/oids.ts";
import type { Authority } from "./authority.ts";
import {
  authorityKeyIdentifier,
  extendedKeyUsage,
  keyUsage,
  leafConstraints,
  uriName,
} from "./extensions.ts";
import { randomSerial, writeCertificate } from "./write-certificate.ts";

/** Life of a workload's certificate. */
export const LEAF_LIFE_MS = 24 * 3600_000;

export interface LeafContent {
  /** SPIFFE id. */
  readonly id: string;
  /** DNS names beside it, for clients that know no SPIFFE; default none. */
  readonly hosts?: readonly string[];
  /** SubjectPublicKeyInfo as DER. */
  readonly publicKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly lifeMs: number;
}

export interface IssuedLeaf {
  readonly der: Buffer;
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly notAfter: number;
}

/** Whether the authority is valid at `now` (ms since 1970). */
export function canIssue({ certificate, root }: Authority, now: number): boolean {
  return now >= certificate.notBefore && now < Math.min(certificate.notAfter, root.certificate.notAfter);
}

/** Signs for an authority that `canIssue`. A leaf never outlives its authority. */
export function issueLeaf({ certificate, signer, root }: Authority, content: LeafContent): IssuedLeaf {
  const { now } = content;
  const serial = randomSerial();
  const end = Math.min(now + content.lifeMs, certificate.notAfter, root.certificate.notAfter);
  const notAfter = Math.floor(end / 1000) * 1000;
  const { subjectKeyId } = certificate;
  const der = writeCertificate(
    {
      serial,
      issuer: certificate.subject,
      subject: sequence(),
      // OpenSSL knows no skew: a peer whose clock is behind must find it valid already.
      notBefore: now - CLOCK_SKEW_MS,
      notAfter,
      publicKey: content.publicKey,
      extensions: [
        leafConstraints(),
        keyUsage(KEY_USAGE.digitalSignature),
        extendedKeyUsage(OID.serverAuth, OID.clientAuth),
        ...(subjectKeyId === undefined ? [] : [authorityKeyIdentifier(subjectKeyId)]),
        uriName(content.id, true, content.hosts),
      ],
    },
    signer,
  );
  return { der, serial: serial.toString("hex"), notAfter };
}
