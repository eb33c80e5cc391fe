/** Health checks in a whole mesh: a TrafficPolicy that is applied, and enrolled sidecars that ask each other under mutual TLS. */
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { exchangeBytes } from "../harness/raw.ts";
import { UpProcess } from "../local/up-process.ts";

let up: UpProcess | undefined;
afterEach(async () => {
  await up?.dispose();
  up = undefined;
});

interface Instance {
  readonly id: string;
  readonly sidecar: { readonly outbound: number; readonly admin: number };
}

interface Row {
  readonly cluster: string;
  readonly verdict: string;
  readonly lastResult: string;
}

function rows(port: number): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: "127.0.0.1", port, path: "/health-checks", agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve((JSON.parse(body) as { items: Row[] }).items));
      })
      .on("error", reject);
  });
}

it("a TrafficPolicy makes sidecars ask the applications behind others; where nobody is healthy all are used", {
  timeout: 120_000,
}, async () => {
  up = new UpProcess(["--no-trickle", "--copy"], () => {});
  const started = await up.until(({ event }) => event === "started");
  const web = (started["instances"] as Instance[]).find(({ id }) => id.endsWith("web"));
  if (web === undefined) throw new Error(JSON.stringify(started));
  const file = join(up.mesh, "..", "health-check.yaml");
  const check = async (status: number) => {
    const spec = `{ targetRef: { name: catalog-v1 }, healthCheck: { http: { path: /books, expectedStatuses: [${status}] }, interval: 100ms } }`;
    writeFileSync(
      file,
      `{ apiVersion: weft.dev/v1alpha1, kind: TrafficPolicy, metadata: { name: catalog-v1 }, spec: ${spec} }\n`,
    );
    const applied = await up?.run("apply", "-f", file, "--wait");
    expect(applied?.stderr).toBe("");
  };
  const ask = () =>
    exchangeBytes(web.sidecar.outbound, [
      "GET /books HTTP/1.1\r\nHost: catalog-v1\r\nConnection: close\r\n\r\n",
    ]);
  const verdicts = async () =>
    (await rows(web.sidecar.admin)).map((row) => ({ ...row, workload: undefined }));

  expect(await ask()).toMatch(/^HTTP\/1.1 200 /);
  expect(await rows(web.sidecar.admin)).toEqual([]);
  await check(200);
  await expect
    .poll(verdicts)
    .toEqual([
      expect.objectContaining({ cluster: "catalog-v1.default:80", verdict: "healthy", lastResult: "passed" }),
    ]);
  await check(204);
  await expect
    .poll(verdicts)
    .toEqual([expect.objectContaining({ verdict: "unhealthy", lastResult: "HTTP 200" })]);
  expect(await ask()).toMatch(/^HTTP\/1.1 200 /);
});
