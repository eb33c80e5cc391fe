/** A mesh whose CA is the operator's: enrolment under an intermediate, and another root by way of the files alone. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { privateKeyPem } from "../../src/identity/key.ts";
import { parseBundle } from "../../src/identity/trust-bundle.ts";
import type { CertificatesAnswer } from "../../src/local/api-types.ts";
import { type Holder, makeCa, pemOf } from "../identity/pki.ts";
import { planeDirectory, startPlane } from "./plane.ts";
import { startSidecar } from "./sidecar.ts";

const LIMIT = { timeout: 10_000, interval: 20 };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Files as cert-manager names them. */
function bring(directory: string, signer: Holder, ...roots: readonly Holder[]): void {
  writeFileSync(join(directory, "tls.key"), privateKeyPem(signer.key));
  writeFileSync(join(directory, "tls.crt"), pemOf(signer));
  writeFileSync(join(directory, "ca.crt"), pemOf(...roots));
}

function fingerprintOf(root: Holder): string {
  const parsed = parseBundle(pemOf(root));
  if (parsed.kind === "invalid") throw new Error(parsed.fault);
  return parsed.bundle.roots[0]?.fingerprint ?? "";
}

it("signs under an intermediate, and takes another root when every sidecar trusts it", async () => {
  const [first, second] = [makeCa("first"), makeCa("second")];
  const directory = planeDirectory();
  const files = join(directory, "ca");
  mkdirSync(files);
  bring(files, makeCa("below the first", first), first);
  const plane = await startPlane(directory);
  closers.push(() => plane.close());
  const { target, bundleFile } = plane;
  const sidecar = startSidecar({
    target,
    bundleFile,
    serviceAccount: "web",
    token: await plane.token("web"),
  });
  closers.push(() => sidecar.close());
  await expect.poll(() => sidecar.responses.length, LIMIT).toBeGreaterThan(0);
  expect(sidecar.keeper.svid?.root).toBe(fingerprintOf(first));
  const { ca } = await plane.api.call<CertificatesAnswer>("GET", "/v1/certificates");
  expect(ca.kind).toBe("operator");
  await expect(plane.api.call("POST", "/v1/root/rotate")).rejects.toMatchObject({ code: "operator_ca" });

  // The second root, and at once a signer under it: that waits until the sidecar trusts its root.
  let isApplied = false;
  const gate = Promise.withResolvers<void>();
  sidecar.applied = () => gate.promise;
  bring(files, makeCa("below the first, again", first), first, second);
  const trusted = () =>
    plane.api.call<CertificatesAnswer>("GET", "/v1/certificates").then(({ roots }) => roots.length);
  await expect.poll(trusted, LIMIT).toBe(2);
  bring(files, makeCa("below the second", second), first, second);
  setTimeout(() => {
    isApplied = true;
    gate.resolve();
  }, 300);
  await expect.poll(() => sidecar.keeper.svid?.root, LIMIT).toBe(fingerprintOf(second));
  expect(isApplied).toBe(true);
  expect(sidecar.streams).toEqual({ opened: 1, lost: 0 });
});
