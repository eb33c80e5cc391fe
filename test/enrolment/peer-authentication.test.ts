/** PeerAuthentication through a whole mesh: files, control plane, enrolled sidecars, and clients with and without one. */
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { exchangeBytes } from "../harness/raw.ts";
import { UpProcess } from "../local/up-process.ts";

let up: UpProcess | undefined;
afterEach(async () => {
  await up?.dispose();
  up = undefined;
});

const policy = (mode: string) =>
  `{ apiVersion: weft.dev/v1alpha1, kind: PeerAuthentication, metadata: { name: default, namespace: weft-system }, spec: { mtls: { mode: ${mode} } } }\n`;

it("from STRICT over PERMISSIVE to DISABLE and back, while callers in the mesh lose nothing", {
  timeout: 120_000,
}, async () => {
  up = new UpProcess(["--no-trickle", "--copy"], () => {});
  const started = await up.until(({ event }) => event === "started");
  const instances = started["instances"] as {
    id: string;
    sidecar: { outbound: number; inbound: number };
  }[];
  const catalog = instances.find(({ id }) => id.endsWith("catalog-v1"));
  const web = instances.find(({ id }) => id.endsWith("web"));
  if (catalog === undefined || web === undefined) throw new Error(JSON.stringify(instances));
  const plain = () =>
    exchangeBytes(catalog.sidecar.inbound, [
      "GET /books HTTP/1.1\r\nHost: catalog\r\nConnection: close\r\n\r\n",
    ]);
  const statuses = new Map<string, number>();
  let isOver = false;
  const caller = (async () => {
    while (!isOver) {
      const answer = await exchangeBytes(web.sidecar.outbound, [
        "GET /books HTTP/1.1\r\nHost: catalog\r\nConnection: close\r\n\r\n",
      ]);
      const status = answer.slice(9, 12);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  })();
  const file = join(up.mesh, "..", "peer-authentication.yaml");
  const change = async (mode: string) => {
    writeFileSync(file, policy(mode));
    const applied = await up?.run("apply", "-f", file, "--wait");
    expect(applied?.stderr).toBe("");
  };
  expect(await plain()).toBe("");
  await change("PERMISSIVE");
  expect(await plain()).toMatch(/^HTTP\/1.1 200 /);
  await change("DISABLE");
  expect(await plain()).toMatch(/^HTTP\/1.1 200 /);
  await change("PERMISSIVE");
  // An open plaintext connection, which STRICT must not go on serving.
  const open = connect(catalog.sidecar.inbound, "127.0.0.1");
  let got = "";
  open.on("data", (chunk) => {
    got += String(chunk);
  });
  const keep = "GET /books HTTP/1.1\r\nHost: catalog\r\n\r\n";
  open.write(keep);
  await expect.poll(() => got).toMatch(/^HTTP\/1.1 200 /);
  await change("STRICT");
  got = "";
  open.write(keep);
  await expect.poll(() => got).toMatch(/^HTTP\/1.1 403 /);
  open.destroy();
  expect(await plain()).toBe("");
  isOver = true;
  await caller;
  expect([...statuses.keys()]).toEqual(["200"]);
  expect(statuses.get("200")).toBeGreaterThan(20);
});
