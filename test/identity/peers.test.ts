/** Hostile input 32: certificates that must not be taken, each shown in a real handshake. */
import { describe, expect, it } from "vitest";
import {
  caConstraints,
  extendedKeyUsage,
  extension,
  keyUsage,
} from "../../src/control-plane/ca/extensions.ts";
import { distinguishedName } from "../../src/control-plane/ca/write-certificate.ts";
import { boolean, integer, oid, sequence } from "../../src/identity/der-write.ts";
import { checkLeaf } from "../../src/identity/leaf-check.ts";
import { KEY_USAGE, OID } from "../../src/identity/oids.ts";
import { clientSeenByServer, serverSeenByClient } from "./handshake.ts";
import {
  contextOf,
  HOUR,
  type Holder,
  leafExtensions,
  makeCa,
  makeLeaf,
  makeRsaKey,
  type NameText,
  namesExtension,
  pemOf,
  sha1SignerOf,
  signerOf,
  TRUST_DOMAIN,
  WEB,
} from "./pki.ts";

const root = makeCa("root");
const trusted = pemOf(root);
const good = contextOf(makeLeaf(root));
const withNames = (...names: readonly NameText[]) =>
  makeLeaf(root, { extensions: leafExtensions({ names: namesExtension(...names) }) });

interface Row {
  readonly is: string;
  /** Leaf first. */
  readonly chain: () => readonly [Holder, ...Holder[]];
  readonly reason: string;
}

const intermediate = makeCa("intermediate", root);
const noConstraints = makeCa("intermediate without basicConstraints", root, {
  extensions: [keyUsage(KEY_USAGE.keyCertSign)],
});
const middleLeaf = makeLeaf(root, { subject: distinguishedName("test", "a leaf that signs") });

const REFUSED: readonly Row[] = [
  { is: "expired", chain: () => [makeLeaf(root, { notAfter: Date.now() - 1_000 })], reason: "expired" },
  {
    is: "not yet valid",
    chain: () => [makeLeaf(root, { notBefore: Date.now() + HOUR })],
    reason: "not_yet_valid",
  },
  {
    is: "self-signed",
    chain: () => {
      const name = distinguishedName("test", "self");
      const self = makeLeaf({ ...root, name }, { subject: name });
      return [makeLeaf({ ...self, name }, { subject: name, key: self.key })];
    },
    reason: "untrusted_root",
  },
  { is: "of another root", chain: () => [makeLeaf(makeCa("other"))], reason: "untrusted_root" },
  {
    is: "of another root of the same name",
    chain: () => [makeLeaf(makeCa("root"))],
    reason: "untrusted_root",
  },
  {
    is: "of another trust domain",
    chain: () => [withNames(["uri", "spiffe://cluster.example/ns/default/sa/web"])],
    reason: "wrong_trust_domain",
  },
  {
    is: "of a trust domain that only starts like ours",
    chain: () => [withNames(["uri", `spiffe://${TRUST_DOMAIN}.evil/ns/default/sa/web`])],
    reason: "wrong_trust_domain",
  },
  { is: "with a DNS name only", chain: () => [withNames(["dns", "web.default"])], reason: "no_uri_name" },
  {
    is: "with a DNS name that reads like a list of names",
    chain: () => [withNames(["dns", `x, URI:${WEB}`])],
    reason: "no_uri_name",
  },
  {
    is: "without names",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ names: undefined }) })],
    reason: "no_uri_name",
  },
  {
    is: "with two URI names",
    chain: () => [withNames(["uri", WEB], ["uri", `spiffe://${TRUST_DOMAIN}/ns/default/sa/admin`])],
    reason: "several_uri_names",
  },
  {
    is: "with the same URI name twice",
    chain: () => [withNames(["uri", WEB], ["uri", WEB])],
    reason: "several_uri_names",
  },
  {
    is: "with NUL in its URI",
    chain: () => [withNames(["uri", `${WEB}\0.evil`])],
    reason: "control_byte_in_name",
  },
  {
    is: "with NUL in a DNS name beside a right URI",
    chain: () => [withNames(["uri", WEB], ["dns", "web\0.evil"])],
    reason: "control_byte_in_name",
  },
  {
    is: "with a line break in its URI",
    chain: () => [withNames(["uri", `${WEB}\r\nx: y`])],
    reason: "control_byte_in_name",
  },
  {
    is: "with another scheme",
    chain: () => [withNames(["uri", "https://cluster.local/ns/default/sa/web"])],
    reason: "invalid_spiffe_id",
  },
  {
    is: "with a percent-encoded id",
    chain: () => [withNames(["uri", `spiffe://${TRUST_DOMAIN}/ns/default/sa/%77eb`])],
    reason: "invalid_spiffe_id",
  },
  {
    is: "with the id of the trust domain",
    chain: () => [withNames(["uri", `spiffe://${TRUST_DOMAIN}`])],
    reason: "not_a_workload",
  },
  {
    is: "with an id of another shape",
    chain: () => [withNames(["uri", `${WEB}/pod/1`])],
    reason: "not_a_workload",
  },
  {
    is: "a leaf with CA:TRUE",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ constraints: caConstraints(0) }) })],
    reason: "is_ca",
  },
  {
    is: "a leaf that may sign certificates",
    chain: () => [
      makeLeaf(root, {
        extensions: leafExtensions({ usage: keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.keyCertSign) }),
      }),
    ],
    reason: "wrong_key_usage",
  },
  { is: "a leaf signed by a leaf", chain: () => [makeLeaf(middleLeaf), middleLeaf], reason: "invalid_chain" },
  {
    is: "under an intermediate without basicConstraints",
    chain: () => [makeLeaf(noConstraints), noConstraints],
    reason: "invalid_chain",
  },
  {
    is: "under a chain longer than the root allows",
    chain: () => {
      const second = makeCa("second intermediate", intermediate);
      return [makeLeaf(second), second, intermediate];
    },
    reason: "invalid_chain",
  },
  {
    is: "for servers only",
    chain: () => [
      makeLeaf(root, { extensions: leafExtensions({ extendedUsage: extendedKeyUsage(OID.serverAuth) }) }),
    ],
    reason: "wrong_extended_key_usage",
  },
  {
    is: "for code signing",
    chain: () => [
      makeLeaf(root, {
        extensions: leafExtensions({ extendedUsage: extendedKeyUsage("1.3.6.1.5.5.7.3.3") }),
      }),
    ],
    reason: "wrong_extended_key_usage",
  },
  {
    is: "without extended key usage",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ extendedUsage: undefined }) })],
    reason: "wrong_extended_key_usage",
  },
  {
    is: "without digitalSignature",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ usage: keyUsage(1 << 4) }) })],
    reason: "wrong_key_usage",
  },
  {
    is: "without key usage",
    chain: () => [makeLeaf(root, { extensions: leafExtensions({ usage: undefined }) })],
    reason: "wrong_key_usage",
  },
  {
    is: "signed with SHA-1",
    chain: () => [makeLeaf(root, { signer: sha1SignerOf(root.key) })],
    reason: "weak_signature",
  },
];

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
