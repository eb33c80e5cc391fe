/**
 * Certificates of the peers' halves, made as Weft's CA makes its own: P-256, one CA, a leaf for each half that may be client
 * and server. The name is a DNS name and not a SPIFFE id, because it is what nginx can verify.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { privateKeyPem } from "../../src/identity/key.ts";
import { leafExtensions, makeCa, makeLeaf, namesExtension, pemOf } from "../../test/identity/pki.ts";

const root = makeCa("bench");

/** Writes `ca.pem`, and for each half certificate, key, both in one file (HAProxy's form), and all as JSON. */
export function writeCertificates(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text, { mode: 0o600 });
  write("ca.pem", pemOf(root));
  for (const half of ["web", "shop"]) {
    const names = namesExtension(["dns", half]);
    const leaf = makeLeaf(root, { extensions: leafExtensions({ names }) });
    const [cert, key] = [pemOf(leaf), privateKeyPem(leaf.key)];
    write(`${half}.crt`, cert);
    write(`${half}.key`, key);
    write(`${half}.pem`, cert + key);
    write(`${half}.json`, JSON.stringify({ key, cert, ca: pemOf(root) }));
  }
}
