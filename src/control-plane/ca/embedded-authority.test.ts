import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbeddedAuthority } from "./embedded-authority.ts";
import { ROOT_LIFE_MS } from "./root.ts";

const NOW = Date.UTC(2026, 10, 21);
let parent = "";
let directory = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "weft-embedded-"));
  directory = join(parent, "state", "ca");
});
afterEach(() => rmSync(parent, { recursive: true }));

const open = (trustDomain = "cluster.local") => EmbeddedAuthority.open(directory, trustDomain, NOW);

function opened(): EmbeddedAuthority {
  const result = open();
  if (result.kind === "unusable") throw new Error(result.reason);
  return result.authority;
}

it("makes a root of its own at the first start, for ten years, and keeps it", () => {
  const first = opened();
  const { certificate } = first.authority;
  expect(certificate).toMatchObject({ isCa: true, keyKind: { kind: "ec", curve: "P-256" } });
  expect(certificate.notAfter).toBe(NOW + ROOT_LIFE_MS);
  expect(opened().bundle).toEqual(first.bundle);
  expect(first.authority.chain).toEqual([]);
});

it("nobody but the owner may read it, whatever the directory was before", () => {
  opened();
  chmodSync(directory, 0o755);
  opened();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, "ca.json")).mode & 0o777).toBe(0o600);
});

describe("a file that cannot be used is no reason to make another root", () => {
  const path = () => join(directory, "ca.json");
  const edit = (change: (file: Record<string, unknown>) => object) => () =>
    writeFileSync(path(), JSON.stringify(change(JSON.parse(readFileSync(path(), "utf8")))));
  it.each([
    ["empty", () => writeFileSync(path(), ""), "not JSON"],
    ["cut short", () => writeFileSync(path(), readFileSync(path(), "utf8").slice(0, 400)), "not JSON"],
    ["null", () => writeFileSync(path(), "null"), "not an object"],
    ["of a later version", edit((file) => ({ ...file, version: 2 })), "of another format"],
    ["of an unknown phase", edit((file) => ({ ...file, phase: "paused", since: 1 })), "damaged"],
    ["distributing nothing", edit((file) => ({ ...file, phase: "distributing", since: 1 })), "damaged"],
    ["without its root", edit((file) => ({ ...file, active: {} })), "damaged"],
    ["of a megabyte", () => writeFileSync(path(), " ".repeat(1024 * 1024 + 1)), "not a file of ours"],
    ["readable by others", () => chmodSync(path(), 0o640), "others have rights to it"],
  ])("%s", (_is, spoil, reason) => {
    opened();
    spoil();
    const before = readFileSync(path());
    expect(open()).toMatchObject({ kind: "unusable", reason: expect.stringContaining(reason) });
    expect(readFileSync(path())).toEqual(before);
  });

  it("of another trust domain", () => {
    opened();
    const reason = expect.stringContaining('of trust domain "cluster.local", not other');
    expect(open("other")).toMatchObject({ kind: "unusable", reason });
  });
});
