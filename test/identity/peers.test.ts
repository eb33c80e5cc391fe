/** Hostile input 32: certificates that must not be taken, each shown in a real handshake. */
import { describe, expect, it } from "vitest";
import { extendedKeyUsage, extension } from "../../src/control-plane/ca/extensions.ts";
import { boolean, integer, oid, sequence } from "../../src/identity/der-write.ts";
import { checkLeaf } from "../../src/identity/leaf-check.ts";
import { OID } from "../../src/identity/oids.ts";
import { clientSeenByServer, serverSeenByClient } from "./handshake.ts";
import {
  contextOf,
  type Holder,
  leafExtensions,
  makeCa,
  makeLeaf,
  makeRsaKey,
  namesExtension,
  pemOf,
  sha1SignerOf,
  signerOf,
  TRUST_DOMAIN,
  WEB,
} from "./pki.ts";
import { intermediate, REFUSED, root, withNames } from "./refused-certificates.ts";

const trusted = pemOf(root);
const good = contextOf(makeLeaf(root));

describe("a client's certificate is refused if it is", () => {
  it.each(REFUSED)("$is", async ({ chain, reason }) => {
    const [leaf, ...above] = chain();
    const outcome = await clientSeenByServer({ client: contextOf(leaf, ...above), server: good, trusted });
    expect(outcome).toMatchObject({ kind: "refused", reason });
  });

  it("with an RSA key of 1024 bits", async () => {
    // A client that has turned OpenSSL's own limits off.
    const client = { ...contextOf(makeLeaf(root)), ciphers: "DEFAULT:@SECLEVEL=0" };
    const weak = { ...client, ...contextOf(makeLeaf(root, { key: makeRsaKey(1024) })) };
    expect(await clientSeenByServer({ client, server: good, trusted })).toMatchObject({ kind: "peer" });
    const outcome = await clientSeenByServer({ client: weak, server: good, trusted });
    expect(outcome).toEqual({ kind: "refused", reason: "weak_key" });
  });

  it("absent", async () => {
    const outcome = await clientSeenByServer({ client: {}, server: good, trusted });
    expect(outcome).toEqual({ kind: "refused", reason: "no_certificate" });
  });
});

describe("taken are", () => {
  const taken: readonly [string, () => readonly [Holder, ...Holder[]]][] = [
    ["a right leaf", () => [makeLeaf(root)]],
    ["one under an intermediate", () => [makeLeaf(intermediate), intermediate]],
    ["one with a DNS name beside its id", () => [withNames(["dns", "web.default"], ["uri", WEB])]],
    ["one with an RSA key of 2048 bits", () => [makeLeaf(root, { key: makeRsaKey(2048) })]],
  ];
  it.each(taken)("%s", async (_is, chain) => {
    const [leaf, ...above] = chain();
    const ends = { client: contextOf(leaf, ...above), server: good, trusted };
    expect(await clientSeenByServer(ends)).toMatchObject({ kind: "peer", id: WEB });
    const reversed = { client: good, server: ends.client, trusted };
    expect(await serverSeenByClient(reversed)).toMatchObject({ kind: "peer", id: WEB });
  });
});

describe("a server's certificate", () => {
  it("for clients only is refused", async () => {
    const extensions = leafExtensions({ extendedUsage: extendedKeyUsage(OID.clientAuth) });
    const server = contextOf(makeLeaf(root, { extensions }));
    const outcome = await serverSeenByClient({ client: good, server, trusted });
    expect(outcome).toMatchObject({ kind: "refused", reason: "wrong_extended_key_usage" });
  });

  it("of another root is refused", async () => {
    const server = contextOf(makeLeaf(makeCa("other")));
    const outcome = await serverSeenByClient({ client: good, server, trusted });
    expect(outcome).toMatchObject({ kind: "refused", reason: "untrusted_root" });
  });
});

/** What OpenSSL's own settings keep from a handshake is refused by our check, too, should they ever be loosened. */
describe("Weft's own check refuses a leaf", () => {
  const now = Date.now();
  const rule = { trustDomain: TRUST_DOMAIN, role: "client", now } as const;
  const rsaRoot = makeCa("rsa", undefined, { key: makeRsaKey(2048) });
  const twice = namesExtension(["uri", WEB]);
  const rows: readonly [string, () => Holder, string][] = [
    ["signed with SHA-1", () => makeLeaf(root, { signer: sha1SignerOf(root.key) }), "weak_signature"],
    ["with an RSA key of 1024 bits", () => makeLeaf(root, { key: makeRsaKey(1024) }), "weak_key"],
    [
      "expired for longer than clocks may differ",
      () => makeLeaf(root, { notAfter: now - 61_000 }),
      "expired",
    ],
    ["too far from being valid", () => makeLeaf(root, { notBefore: now + 61_000 }), "not_yet_valid"],
    [
      "with an extension twice",
      () => makeLeaf(root, { extensions: [...leafExtensions(), twice] }),
      "malformed",
    ],
    ["whose two signature algorithms differ", () => otherOuterAlgorithm(makeLeaf(root)), "malformed"],
    [
      "with a path length that no chain has",
      () =>
        makeLeaf(root, {
          extensions: leafExtensions({
            constraints: extension(
              OID.basicConstraints,
              true,
              sequence(boolean(true), integer(Uint8Array.of(255))),
            ),
          }),
        }),
      "malformed",
    ],
  ];
  it.each(rows)("%s", (_is, leaf, reason) => {
    expect(checkLeaf(leaf().der, rule)).toEqual({ kind: "refused", reason });
  });

  it.each([
    ["expired within it", { notAfter: now - 59_000 }],
    ["not yet valid within it", { notBefore: now + 59_000 }],
    ["under an RSA root", { signer: signerOf(rsaRoot.key) }],
  ])("clocks may differ by 60 s: taken is one %s", (_is, change) => {
    expect(checkLeaf(makeLeaf(root, change).der, rule)).toMatchObject({ kind: "peer", id: WEB });
  });
});

/** The outer algorithm is not signed; a verifier that looks at it and one that looks at the inner see two things. */
function otherOuterAlgorithm(leaf: Holder): Holder {
  const der = Buffer.from(leaf.der);
  const at = der.lastIndexOf(Buffer.from(oid(OID.ecdsaWithSha256)));
  Buffer.from(oid(OID.ecdsaWithSha384)).copy(der, at);
  return { ...leaf, der };
}
