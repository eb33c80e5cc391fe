import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadMeshResources } from "../../src/cli/mesh-resources.ts";
import { loadDirectory } from "../../src/resources/load.ts";

const CONFIG = join(import.meta.dirname, "../../config");
const SAMPLES = readdirSync(join(CONFIG, "samples")).filter((name) => name.endsWith(".yaml"));

describe("what is delivered", () => {
  it("config/demo has no errors and no warnings", () => {
    const { resources, issues, files } = loadDirectory(join(CONFIG, "demo"));
    expect(issues).toEqual([]);
    expect(files.length).toBeGreaterThan(0);
    expect(resources.map((r) => r.kind)).toContain("HTTPRoute");
  });

  it("weft up finds a command in every workload of config/demo", async () => {
    const { workloads, services } = await loadMeshResources(join(CONFIG, "demo"));
    expect(workloads.map((w) => w.name).sort()).toEqual([
      "catalog-v1",
      "catalog-v2",
      "reviews",
      "stock",
      "web",
    ]);
    expect(workloads.every((w) => w.command !== undefined)).toBe(true);
    expect(services.find((s) => s.name === "web")?.annotations).toEqual({ "weft.dev/trickle": "/" });
  });

  it.each(SAMPLES)("config/samples/%s has no errors", (name) => {
    const { resources, issues } = loadDirectory(join(CONFIG, "samples", name));
    expect(issues.filter((issue) => issue.severity === "error")).toEqual([]);
    expect(resources.length).toBeGreaterThan(0);
  });
});

it("weft up refuses a directory that does not exist", async () => {
  await expect(loadMeshResources(join(CONFIG, "nowhere"))).rejects.toThrow(/^1 error in the resources of /);
});
