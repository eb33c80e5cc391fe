/** What a sidecar takes from a CA, and which root it stands under. */
import { describe, expect, it } from "vitest";
import { makeKey } from "../../src/identity/key.ts";
import { acceptChain } from "../../src/identity/svid.ts";
import { bundleExpiry, bundleOf, parseBundle, rootOf } from "../../src/identity/trust-bundle.ts";
import {
  HOUR,
  leafExtensions,
  makeCa,
  makeLeaf,
  makeRsaKey,
  namesExtension,
  pemOf,
  TRUST_DOMAIN,
  WEB,
} from "./pki.ts";

const root = makeCa("root");
const twin = makeCa("root");
const intermediate = makeCa("intermediate", root);
const key = makeKey();

function bundle(...roots: readonly (typeof root)[]) {
  const parsed = parseBundle(pemOf(...roots));
  if (parsed.kind === "invalid") throw new Error(parsed.fault);
  return parsed.bundle;
}

const rule = { bundle: bundle(root), trustDomain: TRUST_DOMAIN, now: Date.now() };

describe("a chain becomes an SVID", () => {
  it("under a root", () => {
    const leaf = makeLeaf(root, { key });
    const accepted = acceptChain(key, pemOf(leaf), { ...rule, id: WEB });
    const [only] = rule.bundle.roots;
    expect(accepted).toMatchObject({
      kind: "svid",
      svid: { id: WEB, chain: pemOf(leaf), root: only?.fingerprint },
    });
  });

  it("under an intermediate, while two roots of one name are trusted", () => {
    const chain = pemOf(makeLeaf(intermediate, { key }), intermediate);
    expect(acceptChain(key, chain, { ...rule, bundle: bundle(twin, root) })).toMatchObject({ kind: "svid" });
  });
});

describe("a chain is refused that is", () => {
  const leaf = () => makeLeaf(root, { key });
  const rows: readonly [string, () => string, string][] = [
    ["empty", () => "", "not_pem"],
    ["too long", () => pemOf(...Array.from({ length: 9 }, leaf)), "not_pem"],
    ["huge", () => pemOf(leaf()) + " ".repeat(200_000), "not_pem"],
    ["for another key", () => pemOf(makeLeaf(root)), "other_key"],
    ["of another root", () => pemOf(makeLeaf(twin, { key })), "no_root"],
    ["without its intermediate", () => pemOf(makeLeaf(intermediate, { key })), "no_root"],
    ["out of order", () => pemOf(makeLeaf(intermediate, { key }), root, intermediate), "no_root"],
    ["expired", () => pemOf(makeLeaf(root, { key, notAfter: Date.now() - HOUR })), "expired"],
    [
      "for another workload",
      () => {
        const names = namesExtension(["uri", `spiffe://${TRUST_DOMAIN}/ns/default/sa/api`]);
        return pemOf(makeLeaf(root, { key, extensions: leafExtensions({ names }) }));
      },
      "other_identity",
    ],
  ];
  it.each(rows)("%s", (_is, chain, reason) => {
    expect(acceptChain(key, chain(), { ...rule, id: WEB })).toEqual({ kind: "refused", reason });
  });
});

describe("trust bundles", () => {
  it("are sets: order and repetition change nothing", () => {
    expect(bundle(root, twin, root)).toEqual(bundle(twin, root));
    expect(bundle(root).digest).not.toBe(bundle(twin).digest);
    expect(bundleOf([...bundle(root).roots, ...bundle(twin).roots])).toEqual(bundle(root, twin));
  });

  it("end with the first of their roots", () => {
    const notAfter = Math.floor(Date.now() / 1000) * 1000 + HOUR;
    expect(bundleExpiry(bundle(root, makeCa("short", undefined, { notAfter })))).toBe(notAfter);
  });

  it("tell which root a chain stands under, and none for what is not a chain", () => {
    const both = bundle(root, twin);
    const under = (...chain: readonly Buffer[]) => rootOf(both, chain)?.der;
    expect(under(makeLeaf(root).der)).toEqual(root.der);
    expect(under(makeLeaf(twin).der)).toEqual(twin.der);
    expect(under(makeLeaf(intermediate).der, intermediate.der)).toEqual(root.der);
    expect(under()).toBeUndefined();
    expect(under(Buffer.from("x"))).toBeUndefined();
  });

  it.each([
    ["not_pem", "-----BEGIN CERTIFICATE-----\n"],
    ["no_certificate", "hello"],
    ["malformed", "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"],
    ["not_a_ca", pemOf(root, makeLeaf(root))],
    ["not_a_root", pemOf(root, intermediate)],
    ["weak_key", pemOf(makeCa("weak", undefined, { key: makeRsaKey(1024) }))],
  ])("%s", (fault, pem) => {
    expect(parseBundle(pem)).toEqual({ kind: "invalid", fault });
  });
});
