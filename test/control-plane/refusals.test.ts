/** What the API says to those who got something wrong, over a real socket. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControlPlane } from "../../src/control-plane/server.ts";
import { startPlane } from "./plane-process.ts";

let directory: string;
let plane: ControlPlane;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-refusals-"));
  writeFileSync(
    join(directory, "mesh.yaml"),
    "apiVersion: v1\nkind: Service\nmetadata: { name: catalog, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n",
  );
  plane = await startPlane(directory);
});
afterAll(async () => {
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: string) {
  const headers = { "content-type": "application/json" };
  const init = body === undefined ? { method } : { method, headers, body };
  const response = await fetch(`http://127.0.0.1:${plane.apiPort}${path}`, init);
  const { error, issues } = (await response.json()) as { error?: { message: string }; issues?: unknown[] };
  return { status: response.status, message: error?.message, issues, allow: response.headers.get("allow") };
}

describe("addresses", () => {
  it.each([
    ["GET", "/v1/resources/Servise/shop/catalog", 404, 'no kind "Servise"; did you mean "Service"?'],
    [
      "GET",
      "/v1/resources/Service/shop/catalgo",
      404,
      'no Service shop/catalgo; did you mean "shop/catalog"?',
    ],
    [
      "GET",
      "/v1/resources/Service/default/catalog",
      404,
      'no Service default/catalog; did you mean "shop/catalog"?',
    ],
    ["DELETE", "/v1/resources/HTTPRoute/shop/catalog", 404, "no HTTPRoute shop/catalog"],
    ["GET", "/v1/resources?kind=route", 404, 'no kind "route"'],
    ["GET", "/v1/resource", 404, "nothing is at /v1/resource"],
    ["GET", "/v1/resources/Service/shop/%ff", 400, "the address is not well encoded"],
    ["GET", "/v1/resources/__proto__/a/b", 404, 'no kind "__proto__"'],
    ["GET", "/v1/changes/999", 404, "no change 999 is known"],
    ["GET", "/v1/changes/1?wait=soon", 400, "wait must be a duration such as 10s"],
    [
      "DELETE",
      "/v1/resources/Service/shop/catalog?dryrun=true",
      400,
      'no parameter "dryrun"; did you mean "dryRun"?',
    ],
    ["DELETE", "/v1/resources/Service/shop/catalog?dryRun=yes", 400, "dryRun must be true or false"],
  ])("%s %s", async (method, path, status, message) => {
    expect(await call(method, path)).toMatchObject({ status, message });
  });

  it.each([
    ["POST", "/v1/resources/Service/shop/catalog", "GET, PUT, DELETE"],
    ["PUT", "/v1/apply", "POST"],
    ["DELETE", "/v1/sidecars", "GET"],
    ["PATCH", "/metrics", "GET"],
  ])("%s %s is not allowed", async (method, path, allow) => {
    expect(await call(method, path)).toMatchObject({ status: 405, allow });
  });
});

describe("hosts", () => {
  async function statusFor(host: string): Promise<number> {
    const asked = request({ port: plane.apiPort, host: "127.0.0.1", path: "/v1/status", headers: { host } });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    response.resume();
    return response.statusCode ?? 0;
  }

  it.each([
    "127.0.0.1:1",
    "[::1]:15014",
    "localhost",
    "control-plane:15014",
    "weft.weft-system.svc",
    "weft.weft-system.svc.cluster.local:15014",
    "box.internal",
  ])("%s is let in", async (host) => {
    expect(await statusFor(host)).toBe(200);
  });

  it.each(["evil.test", "127.0.0.1.evil.test", "local.evil.com", "a b", "svc."])(
    "%j is not",
    async (host) => {
      expect(await statusFor(host)).toBe(421);
    },
  );
});

describe("bodies", () => {
  it("are one resource, and the one of the address", async () => {
    const other = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "x" },
      spec: { ports: [{ port: 1 }] },
    };
    const answer = await call("PUT", "/v1/resources/Service/shop/catalog", JSON.stringify(other));
    expect(answer).toMatchObject({
      status: 422,
      message: "the body is Service default/x, the address says Service shop/catalog",
    });
  });

  it("are told of with place, field, what was found and what was expected", async () => {
    const text = "apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec:\n  ports: [{ prot: 80 }]\n";
    const body = JSON.stringify({ files: [{ name: "mesh/a.yaml", text }] });
    const { status, issues } = await call("POST", "/v1/apply", body);
    expect(status).toBe(422);
    expect(issues).toContainEqual(
      expect.objectContaining({
        ...{ file: "mesh/a.yaml", line: 5, column: 13, field: "spec.ports[0].prot" },
        suggestion: "port",
      }),
    );
  });

  it("keep their own lines in a PUT", async () => {
    const body = '{\n  "apiVersion": "v1",\n  "kind": "Service",\n  "metadata": { "name": 1 }\n}';
    const { issues } = await call("PUT", "/v1/resources/Service/shop/catalog", body);
    expect(issues).toContainEqual(expect.objectContaining({ file: "body", line: 4, field: "metadata.name" }));
  });
});
