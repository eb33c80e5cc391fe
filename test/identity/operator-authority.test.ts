/** A CA that the operator brings: what is taken, what is refused, and how it changes while the plane runs. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { issueLeaf } from "../../src/control-plane/ca/issue.ts";
import { readOperatorAuthority } from "../../src/control-plane/ca/operator-authority.ts";
import { type Reload, WatchedAuthority } from "../../src/control-plane/ca/watched-authority.ts";
import { makeKey, privateKeyPem } from "../../src/identity/key.ts";
import { formatPem } from "../../src/identity/pem.ts";
import { clientSeenByServer } from "./handshake.ts";
import { HOUR, type Holder, makeCa, makeLeaf, makeRsaKey, pemOf, WEB } from "./pki.ts";
import { temporaryDirectory } from "./plane.ts";

const DAY = 24 * HOUR;
const root = makeCa("root");
const intermediate = makeCa("intermediate", root);

let directory = "";
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Files as cert-manager names them; the first of `chain` signs. */
function bring(chain: readonly [Holder, ...Holder[]], roots: readonly Holder[], key = chain[0].key): void {
  writeFileSync(join(directory, "tls.key"), privateKeyPem(key));
  writeFileSync(join(directory, "tls.crt"), pemOf(...chain));
  writeFileSync(join(directory, "ca.crt"), pemOf(...roots));
}

const read = () => readOperatorAuthority(directory, Date.now());

describe("taken is", () => {
  const rsa = makeCa("rsa", undefined, { key: makeRsaKey(2048) });
  const taken: readonly [string, readonly [Holder, ...Holder[]], readonly Holder[], number][] = [
    ["a root", [root], [root], 0],
    ["an intermediate", [intermediate], [root], 1],
    ["an intermediate with its root behind it", [intermediate, root], [root], 1],
    ["a root with an RSA key", [rsa], [rsa], 0],
    ["an intermediate under an RSA root, among other roots", [makeCa("below", rsa)], [root, rsa], 1],
  ];
  it.each(taken)("%s, and its leaves are good", async (_is, chain, roots, above) => {
    bring(chain, roots);
    const result = read();
    if (result.kind === "unusable") throw new Error(result.detail);
    expect(result.authority.chain).toHaveLength(above);
    const key = makeKey();
    const now = Date.now();
    const leaf = issueLeaf(result.authority, { id: WEB, publicKey: key.publicKey, now, lifeMs: DAY });
    const cert = [leaf.der, ...result.authority.chain].map((der) => formatPem("CERTIFICATE", der)).join("");
    const context = { key: privateKeyPem(key), cert };
    const ends = { client: context, server: context, trusted: result.bundle.pem };
    expect(await clientSeenByServer(ends)).toMatchObject({ kind: "peer", id: WEB });
  });

  it("the names that Istio's users know", () => {
    writeFileSync(join(directory, "ca-key.pem"), privateKeyPem(intermediate.key));
    writeFileSync(join(directory, "ca-cert.pem"), pemOf(intermediate));
    writeFileSync(join(directory, "root-cert.pem"), pemOf(root));
    expect(read().kind).toBe("authority");
  });
});

describe("refused is", () => {
  const expired = makeCa("expired", root, { notAfter: Date.now() - 1000 });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const bringBut = (name: string, text: string) => {
    bring([root], [root]);
    write(name, text);
  };
  const rows: readonly [string, () => void, string][] = [
    ["nothing", () => undefined, "no_files"],
    ["a key alone", () => write("tls.key", privateKeyPem(root.key)), "unreadable"],
    ["a leaf", () => bring([makeLeaf(root)], [root]), "signer_not_a_ca"],
    [
      "a key that belongs to another",
      () => bring([intermediate], [root], makeKey()),
      "key_of_other_certificate",
    ],
    ["an intermediate of another root", () => bring([intermediate], [makeCa("root")]), "no_path_to_a_root"],
    [
      "an intermediate among the roots",
      () => bring([intermediate], [root, intermediate]),
      "roots_not_usable",
    ],
    ["a leaf among the roots", () => bring([root], [root, makeLeaf(root)]), "roots_not_usable"],
    [
      "a weak root",
      () => bring([root], [root, makeCa("weak", undefined, { key: makeRsaKey(1024) })]),
      "roots_not_usable",
    ],
    ["one that has expired", () => bring([expired], [root]), "not_valid_now"],
    ["no chain", () => bringBut("tls.crt", ""), "chain_not_usable"],
    ["half a chain", () => bringBut("tls.crt", pemOf(root).slice(0, -30)), "chain_not_usable"],
    ["no key", () => bringBut("tls.key", "-----BEGIN PRIVATE KEY-----\n"), "key_not_usable"],
    ["a huge file", () => bringBut("ca.crt", "x".repeat(300_000)), "unreadable"],
  ];
  it.each(rows)("%s", (_is, prepare, fault) => {
    prepare();
    expect(read()).toMatchObject({ kind: "unusable", fault });
  });
});

describe("while the plane runs", () => {
  const other = makeCa("other root");
  const clock = { wall: 0 };
  let isConfirmed = true;
  beforeEach(() => {
    clock.wall = Date.now();
    isConfirmed = true;
    bring([intermediate], [root]);
  });

  function open(): WatchedAuthority {
    const opened = WatchedAuthority.open({
      directory,
      wallClock: () => clock.wall,
      leafLifeMs: DAY,
      isConfirmed: () => isConfirmed,
    });
    if (opened.kind === "unusable") throw new Error(opened.detail);
    return opened.authority;
  }
  const rootOfSigner = (authority: WatchedAuthority) => authority.authority.root.der;

  it("another intermediate of the same root signs at once", () => {
    const authority = open();
    expect(authority.reload()).toEqual({ kind: "unchanged" });
    const second = makeCa("second", root);
    bring([second], [root]);
    expect(authority.reload()).toMatchObject({ kind: "changed" });
    expect(authority.authority.chain).toEqual([second.der]);
  });

  it("a root changes in three steps", () => {
    const authority = open();
    bring([intermediate], [root, other]);
    expect(authority.reload()).toMatchObject({ kind: "changed" });
    expect(authority.bundle.roots).toHaveLength(2);
    bring([other], [root, other]);
    isConfirmed = false;
    expect(authority.reload()).toMatchObject({ kind: "refused", fault: "root_not_trusted_yet" });
    expect(rootOfSigner(authority)).toEqual(root.der);
    isConfirmed = true;
    expect(authority.reload()).toMatchObject({ kind: "changed" });
    expect(rootOfSigner(authority)).toEqual(other.der);
    bring([other], [other]);
    clock.wall += DAY - 1;
    expect(authority.reload()).toMatchObject({ kind: "refused", fault: "drops_root_in_use" });
    expect(authority.bundle.roots).toHaveLength(2);
    clock.wall += 1;
    expect(authority.reload()).toMatchObject({ kind: "changed" });
    expect(authority.bundle.roots).toHaveLength(1);
  });

  it("a root that is exchanged in one step is refused, and the one before goes on", () => {
    const authority = open();
    bring([other], [other]);
    expect(authority.reload()).toMatchObject({ kind: "refused", fault: "drops_root_in_use" });
    bring([other], [root, other]);
    expect(authority.reload()).toMatchObject({ kind: "refused", fault: "root_not_trusted_yet" });
    expect(rootOfSigner(authority)).toEqual(root.der);
    expect(authority.bundle.roots).toHaveLength(1);
  });

  it("files are read when they change, and broken ones are told of", async () => {
    const authority = open();
    const reloads: Reload[] = [];
    authority.watch(
      (reload) => reloads.push(reload),
      (error) => expect.fail(error.message),
    );
    try {
      // As Kubernetes does it: the new files appear under a name of their own and are moved into place.
      const second = makeCa("second", root);
      mkdirSync(join(directory, "new"));
      writeFileSync(join(directory, "new", "tls.crt"), pemOf(second));
      renameSync(join(directory, "new", "tls.crt"), join(directory, "tls.crt"));
      await expect.poll(() => reloads.at(-1)).toMatchObject({ fault: "key_of_other_certificate" });
      expect(authority.authority.chain).toEqual([intermediate.der]);
      writeFileSync(join(directory, "tls.key"), privateKeyPem(second.key));
      await expect.poll(() => reloads.at(-1)).toMatchObject({ kind: "changed" });
      expect(authority.authority.chain).toEqual([second.der]);
    } finally {
      authority.close();
    }
  });
});
