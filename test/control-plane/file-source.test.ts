/**
 * What happens to files in real life: editors' ways to save, a ConfigMap's swapped links, a file that breaks, goes and
 * comes back. On a real file system, through the plane; each save must count as one change.
 */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Compiler } from "../../src/control-plane/compile/compiler.ts";
import { Plane } from "../../src/control-plane/plane.ts";
import { FileSource } from "../../src/control-plane/source/files.ts";
import type { SourceStatus } from "../../src/control-plane/source/source.ts";

/** Bounded by what a loaded machine may take, not by what it usually takes. */
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 10_000, interval: 20 });

const service = (port: number, name = "a") =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: ${port} }] }\n`;

let directory: string;
let plane: Plane;
let changes: number[];
let read: SourceStatus[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-files-"));
  changes = [];
  read = [];
});
afterEach(() => {
  plane.close();
  rmSync(directory, { recursive: true, force: true });
});

const at = (name: string) => join(directory, name);
const ports = () => plane.resources.map(({ spec }) => "ports" in spec && Object.values(spec.ports)[0]);
const port = () => (ports()[0] as { port?: number } | undefined)?.port;

/** Starts over what is there; what was done until now is no change. `meanwhile`: between the first reading and the watch. */
function start(addressesFile?: string, meanwhile?: () => void): void {
  const discovery = {
    changed: (_names: unknown, change: number) => void changes.push(change),
    ready() {},
    sidecars: () => [],
    lacking: () => [],
    progress: () => undefined,
  };
  const observer = {
    compiled() {},
    read: (status: SourceStatus) => void read.push(status),
    released() {},
  };
  plane = new Plane(new FileSource(directory, addressesFile), new Compiler(), discovery, observer);
  meanwhile?.();
  plane.start((error) => {
    throw error;
  });
  changes.length = 0;
  read.length = 0;
}

/** Longer than any burst is collected. */
const settle = () => sleep(250);

describe("a save counts as one change", () => {
  const SAVES: Readonly<Record<string, (path: string, text: string) => void>> = {
    "in place, truncated first": (path, text) => writeFileSync(path, text),
    "in place, in two writes": (path, text) => {
      writeFileSync(path, text.slice(0, 20));
      writeFileSync(path, text.slice(20), { flag: "a" });
    },
    "vim: backup, new file, backup gone": (path, text) => {
      writeFileSync(join(path, "../4913"), "");
      unlinkSync(join(path, "../4913"));
      renameSync(path, `${path}~`);
      writeFileSync(path, text);
      unlinkSync(`${path}~`);
    },
    "draft moved over it": (path, text) => {
      writeFileSync(`${path}.tmp.1234`, text);
      renameSync(`${path}.tmp.1234`, path);
    },
    "sed -i": (path) => void execFileSync("sed", ["-i", "s/port: 80/port: 81/", path]),
    "deleted and written": (path, text) => {
      unlinkSync(path);
      writeFileSync(path, text);
    },
  };

  it.each(Object.entries(SAVES))("%s", async (_name, save) => {
    writeFileSync(at("mesh.yaml"), service(80));
    start();
    save(at("mesh.yaml"), service(81));
    await poll(() => port()).toBe(81);
    await settle();
    expect(changes).toEqual([2]);
    expect(read.filter(({ state }) => state === "broken")).toEqual([]);
  });

  it("a checkout of many files", async () => {
    writeFileSync(at("mesh.yaml"), service(80));
    start();
    mkdirSync(at("deep/er"), { recursive: true });
    for (let i = 0; i < 20; i++) writeFileSync(at(`deep/er/${i}.yaml`), service(80, `s${i}`));
    await poll(() => plane.resources.length).toBe(21);
    await settle();
    expect(changes.length).toBeLessThanOrEqual(2);
    writeFileSync(at("deep/er/0.yaml"), service(81, "s0"));
    await poll(() => ports()).toContainEqual(expect.objectContaining({ port: 81 }));
  });

  it("what is no resource file is none", async () => {
    writeFileSync(at("mesh.yaml"), service(80));
    start();
    writeFileSync(at("README.md"), "text");
    writeFileSync(at(".mesh.yaml.swp"), "kind: [");
    await settle();
    expect(changes).toEqual([]);
    expect(plane.status.state).toBe("ok");
  });
});

it("a file that is emptied long before it is written is one change, whatever else is saved meanwhile", async () => {
  writeFileSync(at("mesh.yaml"), service(80));
  writeFileSync(at("b.yaml"), service(80, "b"));
  start();
  writeFileSync(at("mesh.yaml"), "");
  await settle();
  writeFileSync(at("b.yaml"), service(81, "b"));
  await settle();
  expect([changes, port()]).toEqual([[], 80]);
  writeFileSync(at("mesh.yaml"), service(81));
  await poll(() => port()).toBe(81);
  await settle();
  expect(changes).toEqual([2]);
});

it("what is saved while the control plane starts is seen", async () => {
  writeFileSync(at("mesh.yaml"), service(80));
  start(undefined, () => writeFileSync(at("mesh.yaml"), service(81)));
  await poll(() => port()).toBe(81);
});

it("a ConfigMap's swapped link", async () => {
  const publish = (version: string, text: string) => {
    mkdirSync(at(`..${version}`));
    writeFileSync(at(`..${version}/mesh.yaml`), text);
    symlinkSync(`..${version}`, at("..data_tmp"));
    renameSync(at("..data_tmp"), at("..data"));
  };
  publish("2026_1", service(80));
  symlinkSync("..data/mesh.yaml", at("mesh.yaml"));
  start();
  expect(port()).toBe(80);
  publish("2026_2", service(81));
  rmSync(at("..2026_1"), { recursive: true });
  await poll(() => port()).toBe(81);
  await settle();
  expect(changes).toEqual([2]);
});

it("a directory that is replaced, goes, comes back, and is written to", async () => {
  writeFileSync(at("mesh.yaml"), service(80));
  start();
  const other = mkdtempSync(join(tmpdir(), "weft-files-"));
  writeFileSync(join(other, "mesh.yaml"), service(81));
  rmSync(directory, { recursive: true });
  renameSync(other, directory);
  await expect.poll(() => port()).toBe(81);
  rmSync(directory, { recursive: true });
  await expect.poll(() => plane.status.state).toBe("broken");
  mkdirSync(directory);
  writeFileSync(at("mesh.yaml"), service(82));
  await expect.poll(() => port()).toBe(82);
  expect(plane.status.state).toBe("ok");
  writeFileSync(at("mesh.yaml"), service(83));
  await expect.poll(() => port()).toBe(83);
});

it("a file that breaks keeps the last good state and says so, until it is mended", async () => {
  writeFileSync(at("mesh.yaml"), service(80));
  start();
  writeFileSync(at("mesh.yaml"), service(99_999));
  await poll(() => plane.status.state).toBe("broken");
  expect(plane.status.issues[0]).toMatchObject({ line: 4, field: "spec.ports[0].port" });
  expect(port()).toBe(80);
  writeFileSync(at("mesh.yaml"), service(82));
  await poll(() => plane.status.state).toBe("ok");
  expect(port()).toBe(82);
  expect(changes).toEqual([2]);
});

it("a file that is deleted and comes back", async () => {
  writeFileSync(at("a.yaml"), service(80));
  writeFileSync(at("b.yaml"), service(80, "b"));
  start();
  const text = readFileSync(at("b.yaml"));
  unlinkSync(at("b.yaml"));
  await poll(() => plane.resources.length).toBe(1);
  writeFileSync(at("b.yaml"), text);
  await poll(() => plane.resources.length).toBe(2);
  expect(changes).toEqual([2, 3]);
});

it("the file of addresses, replaced, broken and gone", async () => {
  const outside = mkdtempSync(join(tmpdir(), "weft-addresses-"));
  try {
    const file = join(outside, "addresses.json");
    writeFileSync(at("mesh.yaml"), service(80));
    writeFileSync(at("w.yaml"), "apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: w }\n");
    start(file);
    const move = (text: string) => {
      writeFileSync(`${file}.tmp`, text);
      renameSync(`${file}.tmp`, file);
    };
    const address = (ip: string) =>
      JSON.stringify({ "default/w": { address: ip, ports: {}, inboundPort: 1 } });
    move(address("127.0.0.1"));
    await poll(() => read.length).toBe(1);
    move('{"default/w": {"inboundPort": 99999}}');
    await poll(() => plane.status.issues[0]?.file).toBe(file);
    expect(plane.status.issues[0]).toMatchObject({ field: "default/w" });
    move(address("127.0.0.2"));
    await poll(() => plane.status.state).toBe("ok");
  } finally {
    rmSync(outside, { recursive: true });
  }
});
