import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ControlPlane } from "../../src/control-plane/server.ts";
import { startPlane } from "./plane-process.ts";

/** Bounded by what a loaded machine may take, not by what it usually takes. */
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 10_000, interval: 20 });

const SERVICE = (name: string, port: number) =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  selector: { app: ${name} }\n  ports:\n    - port: ${port}\n`;

let directory: string;
let plane: ControlPlane | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-api-"));
});

afterEach(async () => {
  await plane?.close();
  plane = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function call(port: number, method: string, path: string, body?: unknown) {
  const headers = { "content-type": "application/json" };
  const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  const text = await response.text();
  return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : text };
}

const apply = (port: number, text: string, query = "") =>
  call(port, "POST", `/v1/apply${query}`, { files: [{ name: "given.yaml", text }] });

describe("HTTP API", () => {
  it("creates, changes in place, leaves and deletes", async () => {
    const file = join(directory, "mesh.yaml");
    writeFileSync(file, `# first\n${SERVICE("a", 80)}---\n# second\n${SERVICE("b", 80)}`);
    plane = await startPlane(directory);
    const port = plane.apiPort;
    const applied = await apply(port, `${SERVICE("a", 81)}---\n${SERVICE("b", 80)}---\n${SERVICE("c", 80)}`);
    expect(applied.status).toBe(200);
    expect(applied.json.results.map((r: { action: string }) => r.action)).toEqual([
      "configured",
      "unchanged",
      "created",
    ]);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("# first");
    expect(text).toContain("port: 81");
    expect(text).toContain(`# second\n${SERVICE("b", 80)}`);
    expect((await call(port, "DELETE", "/v1/resources/service/default/b")).json.results[0].action).toBe(
      "deleted",
    );
    expect((await call(port, "GET", "/v1/resources/Service/default/b")).status).toBe(404);
    expect((await call(port, "GET", "/v1/resources?kind=Service")).json.items).toHaveLength(2);
    expect((await call(port, "GET", `/v1/changes/${applied.json.change}?wait=5s`)).json.state).toBe(
      "applied",
    );
  });

  it("tells where resources stand, when asked", async () => {
    writeFileSync(join(directory, "mesh.yaml"), `${SERVICE("a", 80)}---\n${SERVICE("b", 80)}`);
    plane = await startPlane(directory);
    const { items, origins } = (await call(plane.apiPort, "GET", "/v1/resources?origins=true")).json;
    const file = expect.stringMatching(/mesh\.yaml$/);
    expect(items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(["a", "b"]);
    expect(origins).toEqual([
      { file, line: 1 },
      { file, line: 10 },
    ]);
    expect((await call(plane.apiPort, "GET", "/v1/resources")).json.origins).toBeUndefined();
  });

  it("refuses all of an apply with one error, and writes nothing on a dry run", async () => {
    plane = await startPlane(directory);
    const port = plane.apiPort;
    const refused = await apply(port, `${SERVICE("a", 80)}---\n${SERVICE("b", 99_999)}`);
    expect(refused.status).toBe(422);
    expect(refused.json.issues[0]).toMatchObject({ file: "given.yaml", field: "spec.ports[0].port" });
    expect((await apply(port, SERVICE("a", 80), "?dryRun=true")).json.results[0].action).toBe("created");
    expect((await call(port, "GET", "/v1/resources")).json.items).toEqual([]);
  });

  it("refuses wrong methods, content types and hosts", async () => {
    plane = await startPlane(directory);
    const { apiPort } = plane;
    expect((await call(apiPort, "DELETE", "/v1/status")).status).toBe(405);
    const form = await fetch(`http://127.0.0.1:${apiPort}/v1/apply`, { method: "POST", body: "{}" });
    expect(form.status).toBe(415);
    const rebound = request({
      port: apiPort,
      host: "127.0.0.1",
      path: "/v1/status",
      headers: { host: "evil.test" },
    });
    rebound.end();
    const [response] = await once(rebound, "response");
    response.resume();
    expect(response.statusCode).toBe(421);
    expect((await call(apiPort, "GET", "/metrics")).json).toContain("weft_control_plane_resources");
  });

  it("keeps the last good state while a file is broken", async () => {
    const file = join(directory, "mesh.yaml");
    writeFileSync(file, SERVICE("a", 80));
    plane = await startPlane(directory);
    const port = plane.apiPort;
    writeFileSync(file, "kind: [");
    await poll(async () => (await call(port, "GET", "/v1/status")).json.source.state).toBe("broken");
    expect((await call(port, "GET", "/v1/resources")).json.items).toHaveLength(1);
    writeFileSync(file, `${SERVICE("a", 80)}---\n${SERVICE("b", 80)}`);
    await poll(async () => (await call(port, "GET", "/v1/resources")).json.items.length).toBe(2);
  });

  it("has on disk what it acknowledged, after kill -9", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "plane-process.ts"), directory]);
    try {
      const [line] = await once(child.stdout, "data");
      expect((await apply(Number(String(line)), SERVICE("kept", 80))).status).toBe(200);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    plane = await startPlane(directory);
    expect((await call(plane.apiPort, "GET", "/v1/resources/Service/default/kept")).status).toBe(200);
  });
});
