/** Other implementations read what Weft writes, and Weft reads what they write: @peculiar/x509 and openssl(1). */
import "./reflection.ts";
import { execFileSync } from "node:child_process";
import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSignedByItsKey, readCsr } from "../../src/control-plane/ca/csr-check.ts";
import { NAME_TAG, readCertificate } from "../../src/identity/certificate.ts";
import { makeCsr } from "../../src/identity/csr.ts";
import { keyOf, makeKey, privateKeyPem } from "../../src/identity/key.ts";
import { checkLeaf } from "../../src/identity/leaf-check.ts";
import { KEY_USAGE, OID } from "../../src/identity/oids.ts";
import { formatPem, parsePem } from "../../src/identity/pem.ts";
import { requires } from "../harness/requires.ts";
import { makeCa, makeLeaf, makeRsaKey, pemOf, TRUST_DOMAIN, WEB } from "./pki.ts";
import { startPlane } from "./plane.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const rule = { trustDomain: TRUST_DOMAIN, role: "server", now: Date.now() } as const;
const text = (value: Uint8Array) => Buffer.from(value).toString();

describe("@peculiar/x509", () => {
  it("agrees with us on a leaf of ours", async () => {
    const root = makeCa("root");
    const { der } = makeLeaf(root);
    const theirs = new x509.X509Certificate(der);
    const ours = readCertificate(der);
    if (ours.kind === "malformed") throw new Error(ours.detail);
    const { certificate } = ours;
    expect(theirs.serialNumber).toBe(certificate.serial);
    expect(theirs.notAfter.getTime()).toBe(certificate.notAfter);
    expect(theirs.notBefore.getTime()).toBe(certificate.notBefore);
    expect(Buffer.from(theirs.publicKey.rawData)).toEqual(Buffer.from(certificate.publicKey));
    const names = theirs.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON();
    expect(names).toEqual([{ type: "url", value: WEB }]);
    expect(theirs.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
    expect(theirs.getExtension(x509.KeyUsagesExtension)?.usages).toBe(x509.KeyUsageFlags.digitalSignature);
    expect(theirs.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      OID.clientAuth,
      OID.serverAuth,
    ]);
    expect(await theirs.verify({ publicKey: new x509.X509Certificate(root.der).publicKey })).toBe(true);
  });

  it("verifies our requests, and we verify theirs, names and wishes left aside", async () => {
    expect(await new x509.Pkcs10CertificateRequest(makeCsr(makeKey())).verify()).toBe(true);
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const names = new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "admin" }]);
    const theirs = await x509.Pkcs10CertificateRequestGenerator.create({
      name: "CN=admin",
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [names],
    });
    const request = readCsr(Buffer.from(theirs.rawData));
    if (request.kind === "refused") throw new Error(request.reason);
    expect(isSignedByItsKey(request)).toBe(true);
    expect(Buffer.from(request.publicKey)).toEqual(Buffer.from(theirs.publicKey.rawData));
  });

  it("issues an SVID that we take", async () => {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const { rawData } = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: "0080",
      name: "CN=someone",
      notBefore: new Date(Date.now() - 1000),
      notAfter: new Date("2050-01-02T03:04:05Z"),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyAgreement,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([OID.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          { type: "dns", value: "web" },
          { type: "url", value: WEB },
          { type: "ip", value: "10.0.0.1" },
        ]),
      ],
    });
    const verdict = checkLeaf(new Uint8Array(rawData), rule);
    expect(verdict).toMatchObject({
      kind: "peer",
      id: WEB,
      certificate: { serial: "80", notAfter: Date.UTC(2050, 0, 2, 3, 4, 5) },
    });
  });
});

requires("openssl")("openssl", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "weft-openssl-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return name;
  };
  const openssl = (...args: readonly string[]) =>
    execFileSync("openssl", args, { cwd: directory, encoding: "utf8", stdio: "pipe", timeout: 15_000 });

  it("verifies a chain of ours by its strict rules", async () => {
    const plane = startPlane();
    try {
      const csr = makeCsr(makeKey());
      const answer = await plane.ca.enrol({ csr, evidence: { kind: "join_token", token: plane.token() } });
      if (answer.kind === "refused") throw new Error(answer.reason);
      file("root.pem", plane.ca.bundle.pem);
      file("leaf.pem", answer.chain);
      for (const purpose of ["sslclient", "sslserver"]) {
        const args = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem", "leaf.pem"];
        expect(openssl(...args)).toBe("leaf.pem: OK\n");
      }
      expect(openssl("x509", "-in", "leaf.pem", "-noout", "-subject", "-ext", "subjectAltName")).toMatch(
        /subject=\s*\n.*critical\s+URI:spiffe:\/\/cluster\.local\/ns\/default\/sa\/web\s*$/,
      );
    } finally {
      await plane.close();
    }
  });

  it("verifies a request of ours, and we verify one of its", () => {
    file("ours.csr", formatPem("CERTIFICATE REQUEST", makeCsr(makeKey())));
    openssl("req", "-in", "ours.csr", "-verify", "-noout");
    file("key.pem", privateKeyPem(makeKey()));
    openssl(
      "req",
      "-new",
      "-key",
      "key.pem",
      "-subj",
      "/CN=admin",
      "-addext",
      "subjectAltName=DNS:a",
      "-out",
      "its.csr",
    );
    const [der] = parsePem(readFileSync(join(directory, "its.csr"), "utf8"), "CERTIFICATE REQUEST", 1) ?? [];
    const request = readCsr(der ?? Buffer.alloc(0));
    expect(request.kind === "csr" && isSignedByItsKey(request)).toBe(true);
  });

  it.each([
    ["ec", () => makeKey()],
    ["rsa", () => makeRsaKey(2048)],
  ])("issues certificates that we read as Node does (%s)", (_kind, newKey) => {
    file("key.pem", privateKeyPem(newKey()));
    const names = "subjectAltName=URI:spiffe://cluster.local/ns/a/sa/b,DNS:x.y,email:a@b.c,IP:::1";
    const extensions = ["-addext", names, "-addext", "keyUsage=digitalSignature,keyEncipherment"];
    openssl(
      "req",
      "-x509",
      "-new",
      "-key",
      "key.pem",
      "-subj",
      "/CN=x",
      "-days",
      "2",
      ...extensions,
      "-out",
      "its.pem",
    );
    const pem = readFileSync(join(directory, "its.pem"), "utf8");
    const node = new X509Certificate(pem);
    const read = readCertificate(node.raw);
    if (read.kind === "malformed") throw new Error(read.detail);
    const { certificate } = read;
    expect(certificate.serial).toBe(node.serialNumber.toLowerCase().replace(/^0+/, ""));
    expect(certificate.notAfter).toBe(Date.parse(node.validTo));
    // `req -x509` writes CA:TRUE; Node also looks at the key usage, which forbids it.
    expect([certificate.isCa, node.ca]).toEqual([true, false]);
    expect(certificate.keyUsage).toBe(KEY_USAGE.digitalSignature | (1 << 2));
    expect(Buffer.from(certificate.publicKey)).toEqual(
      keyOf(createPrivateKey(readFileSync(join(directory, "key.pem")))).publicKey,
    );
    const texts = certificate.names.filter(({ tag }) => Object.values<number>(NAME_TAG).includes(tag));
    expect(texts.map(({ value }) => text(value))).toEqual([
      "spiffe://cluster.local/ns/a/sa/b",
      "x.y",
      "a@b.c",
    ]);
  });

  it("refuses what it should of ours: a leaf under a leaf", () => {
    const root = makeCa("root");
    const middle = makeLeaf(root, { subject: makeCa("middle").name });
    file("root.pem", pemOf(root));
    file("middle.pem", pemOf(middle));
    file("leaf.pem", pemOf(makeLeaf(middle)));
    expect(() => openssl("verify", "-CAfile", "root.pem", "-untrusted", "middle.pem", "leaf.pem")).toThrow();
  });
});
