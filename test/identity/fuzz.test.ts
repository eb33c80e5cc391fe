/** Bytes that a stranger sends are read without an exception, and no change of what was signed goes unnoticed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSignedByItsKey, readCsr } from "../../src/control-plane/ca/csr-check.ts";
import { readCertificate } from "../../src/identity/certificate.ts";
import { makeCsr } from "../../src/identity/csr.ts";
import { makeKey } from "../../src/identity/key.ts";
import { checkLeaf } from "../../src/identity/leaf-check.ts";
import { parseBundle, rootOf } from "../../src/identity/trust-bundle.ts";
import { runs } from "../harness/runs.ts";
import { makeCa, makeLeaf, makeRsaKey, pemOf, TRUST_DOMAIN } from "./pki.ts";

const root = makeCa("root");
const certificates = [makeLeaf(root).der, root.der, makeLeaf(root, { key: makeRsaKey(2048) }).der];
const csr = makeCsr(makeKey());

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}

/** Few edits of few bytes, often of a bit: what keeps most of a structure and so gets far into a reader. */
const edits = fc.array(
  fc.record<Edit>({
    at: fc.nat({ max: 1200 }),
    remove: fc.nat({ max: 3 }),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(0x80, 0x30, 0x00, 0xff).map((b) => Uint8Array.of(b)),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

function apply(bytes: Buffer, changes: readonly Edit[]): Buffer {
  let changed = bytes;
  for (const { at, remove, insert } of changes) {
    const start = at % changed.length;
    changed = Buffer.concat([changed.subarray(0, start), insert, changed.subarray(start + remove)]);
    if (changed.length === 0) return changed;
  }
  return changed;
}

const rule = { trustDomain: TRUST_DOMAIN, role: "client", now: Date.now() } as const;

describe("certificates", () => {
  const bundle = parseBundle(pemOf(root));
  if (bundle.kind === "invalid") throw new Error(bundle.fault);

  it("changed anywhere are read or refused, and never stand under the root", () => {
    fc.assert(
      fc.property(fc.constantFrom(...certificates), edits, (der, changes) => {
        const changed = apply(der, changes);
        readCertificate(changed);
        checkLeaf(changed, rule);
        if (changed.equals(der)) return;
        expect(rootOf(bundle.bundle, [changed])).toBeUndefined();
      }),
      runs(4_000),
    );
  });

  it("cut short anywhere are malformed", () => {
    for (const der of certificates) {
      for (let end = 0; end < der.length; end++) {
        expect(readCertificate(der.subarray(0, end)).kind).toBe("malformed");
      }
    }
  });

  it("are not made of noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
        expect(checkLeaf(noise, rule)).toEqual({ kind: "refused", reason: "malformed" });
      }),
      runs(1_000),
    );
  });
});

describe("requests", () => {
  it("changed anywhere are refused, or were signed by their key", () => {
    fc.assert(
      fc.property(edits, (changes) => {
        const changed = apply(csr, changes);
        const request = readCsr(changed);
        if (request.kind === "refused" || changed.equals(csr)) return;
        expect(isSignedByItsKey(request)).toBe(false);
      }),
      runs(3_000),
    );
  });

  it("are not made of noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (noise) => {
        expect(readCsr(noise).kind).toBe("refused");
      }),
      runs(1_000),
    );
  });
});
