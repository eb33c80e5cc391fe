import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MeshCopy } from "./mesh-copy.ts";

const service = (port: number) =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: ${port} }] }\n`;

let folder: string;
let original: string;
let copy: MeshCopy;
const copied = (...path: string[]) => readFileSync(join(copy.directory, ...path), "utf8");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-mesh-copy-"));
  original = join(folder, "mesh");
  mkdirSync(join(original, "more"), { recursive: true });
  writeFileSync(join(original, "a.yaml"), service(1));
  writeFileSync(join(original, "more", "b.yaml"), "# nothing\n");
  writeFileSync(join(original, "program.ts"), "");
  copy = new MeshCopy(original, join(folder, "copy"));
});
afterEach(() => {
  copy.close();
  rmSync(folder, { recursive: true, force: true });
});

it("holds the resources, and what is written to it stays there", () => {
  expect(readdirSync(copy.directory, { recursive: true }).sort()).toEqual(["a.yaml", "more", "more/b.yaml"]);
  writeFileSync(join(copy.directory, "a.yaml"), service(2));
  expect(readFileSync(join(original, "a.yaml"), "utf8")).toBe(service(1));
});

it("takes over what is saved, and that alone", async () => {
  writeFileSync(join(copy.directory, "a.yaml"), service(2));
  writeFileSync(join(original, "draft"), "# saved\n");
  renameSync(join(original, "draft"), join(original, "more", "b.yaml"));
  await expect.poll(() => copied("more", "b.yaml")).toBe("# saved\n");
  expect(copied("a.yaml")).toBe(service(2));
  writeFileSync(join(original, "a.yaml"), service(3));
  await expect.poll(() => copied("a.yaml")).toBe(service(3));
  rmSync(join(original, "more", "b.yaml"));
  await expect.poll(() => readdirSync(join(copy.directory, "more"))).toEqual([]);
});

it("keeps what it has when its original is gone", async () => {
  rmSync(original, { recursive: true });
  // Long after the quiet time that the event of another directory takes as well.
  const other = new MeshCopy(copy.directory, join(folder, "other"));
  writeFileSync(join(copy.directory, "d.yaml"), "# later\n");
  await expect.poll(() => readdirSync(other.directory)).toContain("d.yaml");
  other.close();
  expect(readdirSync(copy.directory)).toEqual(["a.yaml", "d.yaml", "more"]);
});
