/** `weft cert issue` and `weft check` against a mesh that runs; the certificate opens what it should, and nothing else. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { UpProcess } from "../local/up-process.ts";
import { strangeClient } from "../tls/stranger.ts";

let up: UpProcess | undefined;
afterEach(async () => {
  await up?.dispose();
  up = undefined;
});

it("a program outside of the mesh gets a certificate, and is known by it", { timeout: 90_000 }, async () => {
  up = new UpProcess(["--no-trickle", "--copy"]);
  const started = await up.until(({ event }) => event === "started");
  const instances = started["instances"] as { id: string; sidecar: { inbound: number } }[];
  const port = instances.find(({ id }) => id.endsWith("catalog-v1"))?.sidecar.inbound ?? 0;
  const out = join(up.folder, "certs");
  const issue = (...more: readonly string[]) =>
    up?.run("cert", "issue", "--service-account", "job", "--out", out, ...more);
  const issued = await issue();
  expect(issued?.stderr).toBe("");
  expect(issued?.stdout).toContain("spiffe://cluster.local/ns/default/sa/job, until 2");
  const read = (name: string) => readFileSync(join(out, name), "utf8");
  for (const name of ["key.pem", "cert.pem", "bundle.pem"])
    expect(statSync(join(out, name)).mode & 0o777).toBe(0o600);
  const own = { key: read("key.pem"), cert: read("cert.pem"), ca: read("bundle.pem") };
  const ask = "GET /items HTTP/1.1\r\nHost: catalog\r\nConnection: close\r\n\r\n";
  expect((await strangeClient(port, ask, own)).received).toMatch(/^HTTP\/1\.1 200 /);
  expect((await up.run("cert", "list")).stdout).toMatch(/\/sa\/job +\w+ +join_token/);

  const again = await issue();
  expect([again?.code, again?.stderr]).toEqual([1, expect.stringContaining("--force")]);
  expect(read("key.pem")).toBe(own.key);
  expect((await issue("--force"))?.code).toBe(0);
  expect(read("key.pem")).not.toBe(own.key);
  const piped = await up.run("cert", "issue", "--service-account", "job", "--out", "-");
  expect(piped.stdout).toMatch(/BEGIN PRIVATE KEY[\s\S]*BEGIN CERTIFICATE/);
  const plane = await up.run(
    "cert",
    "issue",
    "-n",
    "weft-system",
    "--service-account",
    "control-plane",
    "--out",
    "-",
  );
  expect([plane.code, plane.stderr]).toEqual([
    1,
    expect.stringContaining("no sidecar may be the control plane"),
  ]);

  const check = await up.run("check");
  expect(check.code).toBe(0);
  expect(check.stdout).toContain("5 sidecars connected, all have applied the latest");
  expect(check.stdout).toContain("0 problems, ");
  const asJson = JSON.parse((await up.run("check", "--json")).stdout) as { findings: { severity: string }[] };
  expect(asJson.findings.every(({ severity }) => severity !== "problem")).toBe(true);
});
