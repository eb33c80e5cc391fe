/** Hostile input 38: a root that changes. In the right order no handshake fails at any moment; the wrong order is refused. */
import { afterEach, describe, expect, it } from "vitest";
import type { EmbeddedAuthority } from "../../src/control-plane/ca/embedded-authority.ts";
import { issueLeaf } from "../../src/control-plane/ca/issue.ts";
import type { Confirmation } from "../../src/control-plane/ca/rotation.ts";
import { makeKey, privateKeyPem } from "../../src/identity/key.ts";
import { formatPem } from "../../src/identity/pem.ts";
import { rootOf } from "../../src/identity/trust-bundle.ts";
import { clientSeenByServer, serverSeenByClient } from "./handshake.ts";
import { HOUR, WEB } from "./pki.ts";
import { startPlane, type TestPlane } from "./plane.ts";

const planes: TestPlane[] = [];
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.close();
});

function start(directory?: string): TestPlane {
  const plane = startPlane(directory === undefined ? {} : { directory });
  planes.push(plane);
  return plane;
}

/** What a sidecar holds. */
interface Sidecar {
  readonly trusted: string;
  readonly context: { readonly key: string; readonly cert: string };
}

function issue({ authority }: EmbeddedAuthority): {
  readonly context: Sidecar["context"];
  readonly der: Buffer;
} {
  const key = makeKey();
  const leaf = issueLeaf(authority, {
    id: WEB,
    publicKey: key.publicKey,
    now: Date.now(),
    lifeMs: 24 * HOUR,
  });
  return { context: { key: privateKeyPem(key), cert: formatPem("CERTIFICATE", leaf.der) }, der: leaf.der };
}

async function expectAllTalk(sidecars: readonly Sidecar[]): Promise<void> {
  for (const one of sidecars) {
    for (const other of sidecars) {
      const asServer = { client: other.context, server: one.context, trusted: one.trusted };
      expect(await clientSeenByServer(asServer)).toMatchObject({ kind: "peer", id: WEB });
      const asClient = { client: one.context, server: other.context, trusted: one.trusted };
      expect(await serverSeenByClient(asClient)).toMatchObject({ kind: "peer", id: WEB });
    }
  }
}

const confirmed = () => true;

it("in each phase, sidecars that have taken the step talk to those that have not", async () => {
  const { authority, clock } = start();
  const old = { trusted: authority.bundle.pem, ...issue(authority) };
  expect(await authority.beginRotation(clock.wall)).toBe(true);
  const both = authority.bundle.pem;
  // Still the old root signs.
  expect(rootOf(authority.bundle, [issue(authority).der])?.fingerprint).toBe(
    authority.authority.root.fingerprint,
  );
  await expectAllTalk([old, { ...old, trusted: both }, { ...issue(authority), trusted: both }]);

  expect(await authority.advanceRotation(confirmed, clock.wall)).toEqual({
    kind: "advanced",
    phase: "reissuing",
  });
  expect(authority.bundle.pem).toBe(both);
  const renewed = { trusted: both, ...issue(authority) };
  await expectAllTalk([{ ...old, trusted: both }, renewed]);

  expect(await authority.advanceRotation(confirmed, clock.wall)).toEqual({
    kind: "advanced",
    phase: "retiring",
  });
  const fresh = { ...renewed, trusted: authority.bundle.pem };
  await expectAllTalk([renewed, fresh]);
  const outdated = { client: old.context, server: fresh.context, trusted: fresh.trusted };
  expect(await clientSeenByServer(outdated)).toEqual({ kind: "refused", reason: "untrusted_root" });

  expect(await authority.advanceRotation(confirmed, clock.wall)).toEqual({
    kind: "advanced",
    phase: "steady",
  });
  expect(await authority.advanceRotation(confirmed, clock.wall)).toEqual({ kind: "steady" });
  expect(authority.bundle.roots).toHaveLength(1);
});

it("a leaf of the new root before the bundle is what the order prevents", async () => {
  const { authority, clock } = start();
  const old = { trusted: authority.bundle.pem, ...issue(authority) };
  await authority.beginRotation(clock.wall);
  await authority.advanceRotation(confirmed, clock.wall);
  const early = { client: issue(authority).context, server: old.context, trusted: old.trusted };
  expect(await clientSeenByServer(early)).toEqual({ kind: "refused", reason: "untrusted_root" });
});

describe("a step", () => {
  it("waits for what it is about, and says for what", async () => {
    const { authority, clock } = start();
    await authority.beginRotation(clock.wall);
    const asked: Confirmation[] = [];
    const notYet = (what: Confirmation) => asked.push(what) < 0;
    const { digest } = authority.bundle;
    const bundle = { kind: "bundle", digest } as const;
    expect(await authority.advanceRotation(notYet, clock.wall)).toEqual({
      kind: "waiting",
      phase: "distributing",
      for: bundle,
    });
    await authority.advanceRotation(confirmed, clock.wall);
    await authority.advanceRotation(notYet, clock.wall);
    await authority.advanceRotation(confirmed, clock.wall);
    await authority.advanceRotation(notYet, clock.wall);
    const root = authority.authority.root.fingerprint;
    expect(asked).toEqual([
      bundle,
      { kind: "leaf", root },
      { kind: "bundle", digest: authority.bundle.digest },
    ]);
    expect(authority.bundle.digest).not.toBe(digest);
  });

  it("is not begun twice, and can be given up until the new root signs", async () => {
    const { authority, clock } = start();
    const { digest } = authority.bundle;
    expect(await authority.abandonRotation()).toBe(false);
    expect(await authority.beginRotation(clock.wall)).toBe(true);
    expect(await authority.beginRotation(clock.wall)).toBe(false);
    expect(await authority.abandonRotation()).toBe(true);
    expect(authority.bundle.digest).toBe(digest);
    await authority.beginRotation(clock.wall);
    await authority.advanceRotation(confirmed, clock.wall);
    expect(await authority.abandonRotation()).toBe(false);
  });

  it("is still there after a restart, in every phase", async () => {
    const { authority, clock, directory } = start();
    const expectSameAfterRestart = () => {
      const again = start(directory).authority;
      expect(again.rotation.phase).toBe(authority.rotation.phase);
      expect(again.bundle).toEqual(authority.bundle);
      expect(again.authority.root.fingerprint).toBe(authority.authority.root.fingerprint);
    };
    expectSameAfterRestart();
    await authority.beginRotation(clock.wall);
    for (let i = 0; i < 3; i++) {
      expectSameAfterRestart();
      await authority.advanceRotation(confirmed, clock.wall);
    }
    expectSameAfterRestart();
  });
});
