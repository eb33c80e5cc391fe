import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClusterResource } from "../../discovery/messages.ts";
import { formatSnapshot, type Held, restoreSnapshot, SnapshotWriter, snapshotFile } from "./persist.ts";
import { emptyShelves, put } from "./store.ts";

const CLUSTER: ClusterResource = {
  name: "a.default:80",
  service: { name: "a", namespace: "default" },
  port: 80,
  protocol: "http1",
  loadBalancer: "leastRequest",
  connectTimeoutMs: 2_000,
  poolIdleTimeoutMs: 3_600_000,
};
const NODE = "default/web";

const HOST = {
  name: "shop.default",
  service: { name: "shop", namespace: "default" },
  addresses: ["240.0.0.7"],
  ports: [],
};

function config(): Held {
  const applied = emptyShelves<never>();
  put(applied, "cluster", { name: CLUSTER.name, version: "4", resource: CLUSTER });
  return { applied, hosts: () => [{ name: HOST.name, version: "5", resource: HOST }] };
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "weft-persist-"));
});
afterEach(() => rm(directory, { recursive: true }));

describe("SnapshotWriter", () => {
  it("writes what restoreSnapshot reads, for the owner alone and without leftovers", async () => {
    const state = join(directory, "state");
    const writer = new SnapshotWriter(state, NODE, config(), (message) => expect.fail(message));
    writer.changed();
    writer.changed();
    await writer.close();
    expect(await restoreSnapshot(state, NODE)).toEqual({
      kind: "restored",
      resources: [["cluster", { name: CLUSTER.name, version: "4", resource: CLUSTER }]],
      hosts: [{ name: HOST.name, version: "5", resource: HOST }],
    });
    expect((await stat(snapshotFile(state, NODE))).mode & 0o777).toBe(0o600);
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    expect(await readdir(state)).toEqual(["snapshot-default%2Fweb.json"]);
  });

  it("writes nothing when nothing has changed, and warns when it cannot write", async () => {
    const warnings: string[] = [];
    const file = join(directory, "file");
    await writeFile(file, "");
    const writer = new SnapshotWriter(file, NODE, config(), (message) => warnings.push(message));
    await writer.close();
    expect(warnings).toEqual([]);
    writer.changed();
    await writer.close();
    expect(warnings).toHaveLength(1);
  });
});

describe("restoreSnapshot", () => {
  it("finds nothing in an empty or missing directory", async () => {
    expect(await restoreSnapshot(directory, NODE)).toEqual({ kind: "none" });
    expect(await restoreSnapshot(join(directory, "none"), NODE)).toEqual({ kind: "none" });
  });

  const good = formatSnapshot(config(), NODE);
  it.each([
    ["empty", "", "no head line"],
    ["not JSON", "hello\nworld\n", "JSON"],
    ["another program's", '{"format":"x"}\n{}\n', "not a snapshot of Weft"],
    ["a later format", good.replace(/"version":\d+/, '"version":99'), "format version 99"],
    ["another node's", formatSnapshot(config(), "default/other"), "another node"],
    ["cut short", good.slice(0, -20), "checksum"],
    ["altered", good.replace("leastRequest", "roundRobin  "), "checksum"],
  ])("ignores a file that is %s", async (_, text, reason) => {
    await writeFile(snapshotFile(directory, NODE), text);
    const restored = await restoreSnapshot(directory, NODE);
    expect(restored.kind).toBe("unusable");
    expect(restored.kind === "unusable" && restored.reason).toContain(reason);
  });

  it("keeps the text of a file stable for the same content", async () => {
    expect(formatSnapshot(config(), NODE)).toBe(good);
    await writeFile(snapshotFile(directory, NODE), good);
    expect(await readFile(snapshotFile(directory, NODE), "utf8")).toBe(good);
  });
});
