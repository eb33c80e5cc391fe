/**
 * Makes a root: P-256, ten years, good for leaves only. A sidecar's trust is in this one key, so whoever wants it kept
 * elsewhere brings an intermediate instead (`operator-authority.ts`).
 */
import { type Key, makeKey } from "../../identity/key.ts";
import { CLOCK_SKEW_MS } from "../../identity/leaf-check.ts";
import { KEY_USAGE } from "../../identity/oids.ts";
import { formatSpiffeId } from "../../identity/spiffe-id.ts";
import { caConstraints, keyIdOf, keyUsage, subjectKeyIdentifier, uriName } from "./extensions.ts";
import { signerFor } from "./signer.ts";
import { distinguishedName, randomSerial, writeCertificate } from "./write-certificate.ts";

/** Life of a root. */
export const ROOT_LIFE_MS = 10 * 365 * 24 * 3600_000;

export interface MadeRoot {
  readonly key: Key;
  readonly der: Buffer;
}

/** A new root of a trust domain, valid from `now` (ms since 1970). */
export function makeRoot(trustDomain: string, now: number): MadeRoot {
  const key = makeKey();
  const signer = signerFor(key.privateKey);
  if (signer === undefined) throw new TypeError("P-256 keys sign");
  const serial = randomSerial();
  // A name of its own: two roots of one mesh are told apart by people, too.
  const name = distinguishedName(trustDomain, `Weft root ${serial.toString("hex").slice(0, 8)}`);
  const der = writeCertificate(
    {
      serial,
      issuer: name,
      subject: name,
      notBefore: now - CLOCK_SKEW_MS,
      notAfter: now + ROOT_LIFE_MS,
      publicKey: key.publicKey,
      extensions: [
        caConstraints(0),
        keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign),
        subjectKeyIdentifier(keyIdOf(key.publicKey)),
        uriName(formatSpiffeId({ trustDomain, path: "" }), false),
      ],
    },
    signer,
  );
  return { key, der };
}
