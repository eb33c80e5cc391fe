/** What the control plane exports is what docs/reference/metrics.md says it does, in both directions. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ControlPlane } from "../../src/control-plane/server.ts";
import { startPlane } from "./plane-process.ts";

let directory: string;
let plane: ControlPlane;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-metrics-"));
  plane = await startPlane(directory);
});
afterEach(async () => {
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

const scrape = async () => (await fetch(`http://127.0.0.1:${plane.apiPort}/metrics`)).text();

it("every metric is documented with its type, and every documented one exists", async () => {
  const text = await scrape();
  const exported = [...text.matchAll(/^# TYPE (weft_\S+) (\S+)$/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  const page = readFileSync(join(import.meta.dirname, "../../docs/reference/metrics.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(weft_control_plane_\w+)` \| (\w+) \|/gm)];
  expect(exported.sort()).toEqual(documented.map(([, name, type]) => `${name} ${type}`).sort());
});

it("counts requests by method and code, and gives no series to methods that somebody invents", async () => {
  const base = `http://127.0.0.1:${plane.apiPort}`;
  await (await fetch(`${base}/v1/status`)).text();
  await (await fetch(`${base}/v1/status`, { method: "PROPFIND" })).text();
  const text = await scrape();
  expect(text).toContain('weft_control_plane_api_requests_total{method="GET",code="200"} 1');
  expect(text).toContain('weft_control_plane_api_requests_total{method="other",code="405"} 1');
});
