/** Another root for a mesh that runs: no stream lost, nobody left behind, and no step taken before everybody is there. */
import { afterEach, expect, it } from "vitest";
import type { CertificatesAnswer, RotationAnswer } from "../../src/local/api-types.ts";
import { type PlaneProcess, startPlane, startPlaneProcess, type TestPlane } from "./plane.ts";
import { startSidecar, type TestSidecar } from "./sidecar.ts";

const ACCOUNTS = ["web", "stock", "reviews", "catalog"] as const;
const LIMIT = { timeout: 30_000, interval: 20 };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started<P extends TestPlane>(plane: P): Promise<{ plane: P; sidecars: TestSidecar[] }> {
  closers.push(() => plane.close());
  const { target, bundleFile } = plane;
  const sidecars: TestSidecar[] = [];
  for (const serviceAccount of ACCOUNTS) {
    const token = await plane.token(serviceAccount);
    sidecars.push(startSidecar({ target, bundleFile, serviceAccount, token }));
  }
  closers.push(() => sidecars.map((sidecar) => sidecar.close()));
  await expect.poll(() => phase(plane), LIMIT).toMatchObject({ phase: "steady", sidecars: 4, lacking: [] });
  return { plane, sidecars };
}

function phase({ api }: TestPlane): Promise<RotationAnswer> {
  return api.call<RotationAnswer>("GET", "/v1/root/rotate");
}

function rootsOf(sidecar: TestSidecar): readonly string[] {
  return sidecar.keeper.bundle.roots.map(({ fingerprint }) => fingerprint);
}

it("goes through its steps, with every sidecar under the new root at the end and no stream lost", {
  timeout: 60_000,
}, async () => {
  const { plane, sidecars } = await started(await startPlane());
  const old = (await phase(plane)).root;
  const serials = sidecars.map(({ keeper }) => keeper.svid?.serial);
  expect(await plane.api.call("POST", "/v1/root/rotate")).toMatchObject({ phase: "distributing", root: old });
  await expect(plane.api.call("POST", "/v1/root/rotate")).rejects.toMatchObject({ code: "under_way" });
  await expect.poll(() => phase(plane), LIMIT).toMatchObject({ phase: "steady", lacking: [] });
  const { root } = await phase(plane);
  expect(root).not.toBe(old);
  for (const [i, sidecar] of sidecars.entries()) {
    expect(sidecar.keeper.svid?.root).toBe(root);
    expect(sidecar.keeper.svid?.serial).not.toBe(serials[i]);
    expect(rootsOf(sidecar)).toEqual([root]);
    expect(sidecar.streams).toEqual({ opened: 1, lost: 0 });
    // First the certificate, then both roots, then the new certificate, then the new root alone.
    const seen = sidecar.secrets.map(
      ({ svid, bundle }) => `${svid.root === root ? "new" : "old"} ${bundle.roots.length}`,
    );
    expect(seen).toEqual(["old 1", "old 2", "new 2", "new 1"]);
  }
  const { items } = await plane.api.call<CertificatesAnswer>("GET", "/v1/certificates");
  expect(items.filter(({ by }) => by === "certificate")).toHaveLength(4);
});

it("waits for the slowest sidecar in each step, and can be given up before the new root signs", {
  timeout: 60_000,
}, async () => {
  const { plane, sidecars } = await started(await startPlane());
  const old = (await phase(plane)).root;
  const gate = Promise.withResolvers<void>();
  const slow = sidecars[2];
  if (slow === undefined) throw new Error("no sidecar");
  slow.applied = () => gate.promise;
  await plane.api.call("POST", "/v1/root/rotate");
  await expect
    .poll(() => phase(plane), LIMIT)
    .toMatchObject({ phase: "distributing", lacking: ["default/reviews"] });
  expect(await plane.api.call("DELETE", "/v1/root/rotate")).toMatchObject({ phase: "steady", root: old });
  gate.resolve();
  await expect.poll(() => sidecars.map(rootsOf), LIMIT).toEqual(ACCOUNTS.map(() => [old]));
  await expect(plane.api.call("DELETE", "/v1/root/rotate")).rejects.toMatchObject({ code: "too_late" });
});

it("goes on where it was after kill -9 in each step", { timeout: 120_000 }, async () => {
  const { plane, sidecars } = await started<PlaneProcess>(await startPlaneProcess());
  const old = (await phase(plane)).root;
  const slow = sidecars[0];
  if (slow === undefined) throw new Error("no sidecar");
  const entered: string[] = [];
  let gate = Promise.withResolvers<void>();
  let arrived = 0;
  slow.applied = () => {
    arrived++;
    return gate.promise;
  };
  await plane.api.call("POST", "/v1/root/rotate");
  for (const step of ["distributing", "reissuing", "retiring"] as const) {
    await expect.poll(() => phase(plane), LIMIT).toMatchObject({ phase: step, lacking: ["default/web"] });
    await expect.poll(() => arrived, LIMIT).toBe(entered.length + 1);
    await plane.killAndRestart();
    const found = await phase(plane);
    entered.push(found.phase);
    const passed = gate;
    gate = Promise.withResolvers<void>();
    passed.resolve();
  }
  gate.resolve();
  await expect.poll(() => phase(plane), LIMIT).toMatchObject({ phase: "steady", sidecars: 4, lacking: [] });
  expect(entered).toEqual(["distributing", "reissuing", "retiring"]);
  const { root } = await phase(plane);
  expect(root).not.toBe(old);
  expect(sidecars.map(rootsOf)).toEqual(ACCOUNTS.map(() => [root]));
  expect(sidecars.map(({ keeper }) => keeper.svid?.root)).toEqual(ACCOUNTS.map(() => root));
});
