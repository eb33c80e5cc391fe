/** Hostile input 34: requests that ask for more than is theirs, and tokens that are not good. The CA signs who was attested, or refuses, and goes on. */
import { sign } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { caConstraints, extension } from "../../src/control-plane/ca/extensions.ts";
import { distinguishedName } from "../../src/control-plane/ca/write-certificate.ts";
import { readCertificate } from "../../src/identity/certificate.ts";
import { makeCsr } from "../../src/identity/csr.ts";
import { context } from "../../src/identity/der.ts";
import { bitString, element, integer, oid, sequence, set } from "../../src/identity/der-write.ts";
import { type Key, makeKey } from "../../src/identity/key.ts";
import { OID } from "../../src/identity/oids.ts";
import { parsePem } from "../../src/identity/pem.ts";
import { formatWorkloadId } from "../../src/identity/spiffe-id.ts";
import { acceptChain } from "../../src/identity/svid.ts";
import {
  HOUR,
  leafExtensions,
  makeCa,
  makeLeaf,
  makeRsaKey,
  namesExtension,
  TRUST_DOMAIN,
  WEB,
} from "./pki.ts";
import { startPlane, type TestPlane } from "./plane.ts";

const planes: TestPlane[] = [];
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.close();
});

function start(...options: Parameters<typeof startPlane>): TestPlane {
  const plane = startPlane(...options);
  planes.push(plane);
  return plane;
}

/** A request with a subject and wished extensions, as a forger would write it. */
function wishfulCsr(key: Key, wishes: readonly Uint8Array[], signWith: Key = key): Buffer {
  const extensionRequest = sequence(oid("1.2.840.113549.1.9.14"), set(sequence(...wishes)));
  const info = sequence(
    integer(Uint8Array.of(0)),
    distinguishedName("admins", "admin"),
    key.publicKey,
    element(context(0, true), extensionRequest),
  );
  const isRsa = key.privateKey.asymmetricKeyType === "rsa";
  const algorithm = sequence(oid(isRsa ? OID.sha256WithRsa : OID.ecdsaWithSha256));
  return Buffer.from(sequence(info, algorithm, bitString(sign("sha256", info, signWith.privateKey))));
}

/** The point by one coordinate and a sign, which OpenSSL takes. */
function compressedCsr(key: Key): Buffer {
  const point = key.publicKey.subarray(-65);
  const tag = ((point[64] ?? 0) & 1) === 0 ? 2 : 3;
  const algorithm = sequence(oid(OID.ecPublicKey), oid(OID.p256));
  const compressed = Buffer.concat([Buffer.of(tag), point.subarray(1, 33)]);
  const publicKey = Buffer.from(sequence(algorithm, bitString(compressed)));
  return wishfulCsr({ privateKey: key.privateKey, publicKey }, []);
}

function leafOf(chain: string) {
  const [der] = parsePem(chain, "CERTIFICATE", 8) ?? [];
  const read = readCertificate(der ?? Buffer.alloc(0));
  if (read.kind === "malformed") throw new Error(read.detail);
  return read.certificate;
}

const ADMIN = `spiffe://${TRUST_DOMAIN}/ns/default/sa/admin`;

describe("what a request wishes for is ignored", () => {
  it.each([
    ["the identity of another account", [namesExtension(["uri", ADMIN])]],
    ["more names", [namesExtension(["uri", WEB], ["dns", "kubernetes.default"], ["email", "a@b"])]],
    ["CA:TRUE", [caConstraints(9)]],
    [
      "server names beside it and uses of its own",
      [namesExtension(["dns", "*"]), extension(OID.extendedKeyUsage, true, sequence(oid("2.5.29.37.0")))],
    ],
  ])("%s", async (_wish, wishes) => {
    const plane = start();
    const key = makeKey();
    const evidence = { kind: "join_token", token: plane.token() } as const;
    const answer = await plane.ca.enrol({ csr: wishfulCsr(key, wishes), evidence });
    if (answer.kind === "refused") throw new Error(answer.reason);
    const leaf = leafOf(answer.chain);
    expect(leaf.names.map(({ value }) => Buffer.from(value).toString())).toEqual([WEB]);
    expect(leaf).toMatchObject({
      isCa: false,
      keyUsage: 1,
      extendedKeyUsage: [OID.serverAuth, OID.clientAuth],
    });
    expect(leaf.subject).toEqual(sequence());
    expect(leaf.serial).toMatch(/^[4-7][0-9a-f]{31}$/);
    expect(leaf.notAfter - plane.clock.wall).toBeGreaterThan(24 * HOUR - 1_001);
    expect(leaf.notAfter).toBeLessThanOrEqual(plane.clock.wall + 24 * HOUR);
    const rule = { bundle: plane.ca.bundle, trustDomain: TRUST_DOMAIN, now: plane.clock.wall };
    expect(acceptChain(key, answer.chain, rule)).toMatchObject({ kind: "svid", svid: { id: WEB } });
  });
});

describe("a request is refused that is", () => {
  const key = makeKey();
  const good = makeCsr(key);
  const nested = (depth: number) => {
    let inner: Uint8Array = sequence();
    for (let i = 0; i < depth; i++) inner = sequence(inner);
    return inner;
  };
  const rows: readonly [string, () => Uint8Array, string][] = [
    ["empty", () => Buffer.alloc(0), "csr_malformed"],
    ["of 1 MB", () => Buffer.alloc(1024 * 1024, 0x30), "csr_too_large"],
    ["for an RSA key of 16k bits", () => element(0x30, new Uint8Array(4200)), "csr_too_large"],
    ["for an RSA key", () => wishfulCsr(makeRsaKey(2048), []), "csr_key"],
    ["for a P-256 key whose point is compressed", () => compressedCsr(key), "csr_key"],
    ["signed by another key", () => wishfulCsr(key, [], makeKey()), "csr_signature"],
    ["nested a thousand times", () => nested(1000), "csr_malformed"],
    ["of indefinite lengths, nested", () => Buffer.from("3080".repeat(2000), "hex"), "csr_malformed"],
    ["followed by more", () => Buffer.concat([good, Buffer.of(0)]), "csr_malformed"],
    ["cut short", () => good.subarray(0, -1), "csr_malformed"],
    ["changed after it was signed", () => changed(good, 95), "csr_signature"],
    ["for a point that is not on the curve", () => changed(good, 60), "csr_signature"],
  ];
  it.each(rows)("%s", async (_is, csr, reason) => {
    const plane = start();
    const token = plane.token();
    const evidence = { kind: "join_token", token } as const;
    const bytes = csr();
    const before = process.cpuUsage();
    expect(await plane.ca.enrol({ csr: bytes, evidence })).toMatchObject({ kind: "refused", reason });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(100);
    expect(plane.events).toMatchObject([{ kind: "refused", reason }]);
    // The token is not used up by it, and the CA goes on.
    expect(await plane.ca.enrol({ csr: good, evidence })).toMatchObject({ kind: "issued", identity: WEB });
  });

  it("nested deeply where names belong, which nobody reads", async () => {
    const plane = start();
    const info = sequence(integer(Uint8Array.of(0)), nested(900), key.publicKey, element(context(0, true)));
    const csr = sequence(
      info,
      sequence(oid(OID.ecdsaWithSha256)),
      bitString(sign("sha256", info, key.privateKey)),
    );
    const evidence = { kind: "join_token", token: plane.token() } as const;
    expect(await plane.ca.enrol({ csr, evidence })).toMatchObject({ kind: "issued", identity: WEB });
  });
});

describe("a token is refused that is", () => {
  const csr = makeCsr(makeKey());
  const enrol = (plane: TestPlane, token: string) =>
    plane.ca.enrol({ csr, evidence: { kind: "join_token", token } });

  it.each([
    ["absent", ""],
    ["another format", "eyJhbGciOiJub25lIn0.e30."],
    ["another version", `weft2.e30.${"A".repeat(43)}`],
    ["1 MB", "weft1.".padEnd(1024 * 1024, "A")],
  ])("%s", async (_is, token) => {
    expect(await enrol(start(), token)).toEqual({ kind: "refused", reason: "token_malformed" });
  });

  it("expired", async () => {
    const plane = start();
    const token = plane.token();
    plane.clock.wall += HOUR;
    expect(await enrol(plane, token)).toEqual({ kind: "refused", reason: "token_expired" });
  });

  it("replayed, at once or after a restart", async () => {
    const plane = start();
    const token = plane.token();
    expect(await enrol(plane, token)).toMatchObject({ kind: "issued" });
    expect(await enrol(plane, token)).toEqual({ kind: "refused", reason: "token_used_up" });
    const again = start({ directory: plane.directory });
    expect(await enrol(again, token)).toEqual({ kind: "refused", reason: "token_used_up" });
  });

  it("used more often than it may be, by many at once", async () => {
    const plane = start();
    const token = plane.token({ uses: 7 });
    const answers = await Promise.all(Array.from({ length: 30 }, () => enrol(plane, token)));
    expect(answers.filter(({ kind }) => kind === "issued")).toHaveLength(7);
  });

  it("of another control plane", async () => {
    const token = start().token();
    expect(await enrol(start(), token)).toEqual({ kind: "refused", reason: "token_forged" });
  });

  it("of another cluster with the same secret", async () => {
    const plane = start();
    const other = start({ directory: plane.directory, cluster: "west" });
    const answer = await enrol(plane, other.token());
    expect(answer).toEqual({ kind: "refused", reason: "token_of_other_cluster" });
  });

  it("changed to name another account", async () => {
    const plane = start();
    const [version, claims, mac] = plane.token().split(".");
    const text = Buffer.from(claims ?? "", "base64url")
      .toString()
      .replace('"web"', '"admin"');
    const forged = [version, Buffer.from(text).toString("base64url"), mac].join(".");
    expect(await enrol(plane, forged)).toEqual({ kind: "refused", reason: "token_forged" });
  });
});

describe("the CA's own life", () => {
  const csr = makeCsr(makeKey());

  it("bounds that of its leaves", async () => {
    const plane = start({ leafLifeMs: 100 * 365 * 24 * HOUR });
    const answer = await plane.ca.enrol({ csr, evidence: { kind: "join_token", token: plane.token() } });
    expect(answer).toMatchObject({ notAfter: plane.authority.authority.root.certificate.notAfter });
  });

  it("is asked before a token is used, and of the control plane, too", async () => {
    const plane = start();
    const evidence = { kind: "join_token", token: plane.token() } as const;
    const expired = { kind: "refused", reason: "authority_expired" };
    plane.clock.wall -= 2 * 60_000;
    expect(await plane.ca.enrol({ csr, evidence })).toEqual(expired);
    const own = { trustDomain: TRUST_DOMAIN, namespace: "weft-system", serviceAccount: "control-plane" };
    expect(plane.ca.issueOwn(own, makeKey().publicKey)).toEqual(expired);
    plane.clock.wall += 2 * 60_000;
    expect(await plane.ca.enrol({ csr, evidence })).toMatchObject({ kind: "issued" });
    expect(plane.ca.issueOwn(own, makeKey().publicKey)).toMatchObject({ kind: "issued" });
    expect(plane.events.at(-1)).toMatchObject({ by: "control_plane", identity: formatWorkloadId(own) });
  });
});

describe("renewal by the current certificate", () => {
  const csr = makeCsr(makeKey());

  it("gives the same identity, also to a request that names another", async () => {
    const plane = start();
    const { der } = makeLeaf(makeCa("root"));
    const forged = wishfulCsr(makeKey(), [namesExtension(["uri", ADMIN])]);
    const answer = await plane.ca.enrol({ csr: forged, evidence: { kind: "certificate", leaf: der } });
    expect(answer).toMatchObject({ kind: "issued", identity: WEB });
    expect(plane.events).toMatchObject([{ kind: "issued", by: "certificate", identity: WEB }]);
  });

  it.each([
    ["expired", { notAfter: Date.now() - 2 * 60_000 }, "expired"],
    [
      "of another trust domain",
      { extensions: leafExtensions({ names: namesExtension(["uri", "spiffe://x/ns/a/sa/b"]) }) },
      "wrong_trust_domain",
    ],
  ])("is refused to one that is %s", async (_is, change, detail) => {
    const { der } = makeLeaf(makeCa("root"), change);
    const answer = await start().ca.enrol({ csr, evidence: { kind: "certificate", leaf: der } });
    expect(answer).toEqual({ kind: "refused", reason: "certificate_refused", detail });
  });
});

it("an identity that asks too often is told when to come back; others are served", async () => {
  const plane = start({ rateLimit: { burst: 3, perSecond: 2, maxKeys: 10 } });
  const csr = makeCsr(makeKey());
  const enrol = (serviceAccount: string) =>
    plane.ca.enrol({ csr, evidence: { kind: "join_token", token: plane.token({ serviceAccount }) } });
  for (let i = 0; i < 3; i++) expect(await enrol("web")).toMatchObject({ kind: "issued" });
  expect(await enrol("web")).toEqual({ kind: "refused", reason: "rate_limited", retryAfterMs: 500 });
  expect(await enrol("api")).toMatchObject({ kind: "issued" });
  plane.clock.monotonic += 500;
  expect(await enrol("web")).toMatchObject({ kind: "issued" });
});

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
