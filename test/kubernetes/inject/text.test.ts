/**
 * What injection does not touch means the same afterwards: kubectl reads YAML as Go does, where `0400` is octal and `yes` is true,
 * so a value that is written anew as somebody else reads it would be another one.
 */
import { expect, it } from "vitest";
import { weft } from "../../harness/weft.ts";

const VALUES = [
  "defaultMode: 0400",
  "defaultMode: 0o644",
  "mode: 0x1a4",
  "stdin: yes",
  "tty: Off",
  "cpu: 1.50",
  "memory: 1e9",
  "fsGroup: 1_000",
  "empty:",
  "tilde: ~",
  "on: y",
  'text: "0400"',
  "text: 'yes'",
  "tagged: !!str 12",
  "date: 2026-11-21",
];

const pod = (lines: readonly string[]) =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n${lines.map((line) => `  ${line}\n`).join("")}`;
const CONTAINERS = ["containers:", "  - name: app", "    image: app"];

it.each(VALUES)("%s", async (value) => {
  const [key = ""] = value.split(":");
  const { stdout, code } = await weft(pod([value, ...CONTAINERS]), "inject", "-f", "-");
  expect(code).toBe(0);
  expect(stdout.split("\n").find((line) => line.startsWith(`  ${key}:`))).toBe(`  ${value}`);
});

it.each(VALUES)("%s, behind an anchor and merged", async (value) => {
  const [key = ""] = value.split(":");
  const manifest = pod([
    "one: &one",
    `  ${value}`,
    "two: *one",
    "three:",
    "  <<: *one",
    "  z: 1",
    ...CONTAINERS,
  ]);
  const { stdout, code } = await weft(manifest, "inject", "-f", "-");
  expect(code).toBe(0);
  expect(stdout.split("\n").filter((line) => line.startsWith(`    ${key}:`))).toEqual(
    Array.from({ length: 3 }, () => `    ${value}`),
  );
  expect(stdout).not.toMatch(/[&*]one/);
});

it("what is merged is overridden by the map's own, and by sources that come earlier", async () => {
  const lines = [
    "one: &one { a: 1, b: 1 }",
    "two: &two { b: 2, c: 2 }",
    "sum:",
    "  c: 0",
    "  <<: [*one, *two, { d: 010, <<: *two }]",
    ...CONTAINERS,
  ];
  const { stdout } = await weft(pod(lines), "inject", "-f", "-");
  expect(stdout).toContain("  sum:\n    c: 0\n    a: 1\n    b: 1\n    d: 010\n");
});

it("a manifest of flow style that is no JSON is read as YAML, too", async () => {
  const text =
    "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {mode: 0400, containers: [{name: app}]}}\n";
  const { stdout } = await weft(text, "inject", "-f", "-");
  expect(stdout).toContain("mode: 0400\n");
});

it("comments of what is empty stay", async () => {
  const text = pod(CONTAINERS).replace(
    "  name: a\n",
    "  name: a\n  annotations: # why\n    # none yet\n  labels: {}\n",
  );
  const { stdout } = await weft(text, "inject", "-f", "-");
  expect(stdout).toMatch(/\n {2}annotations:\n {4}# why\n {4}# none yet\n {4}prometheus/);
});

it("lines end as they did", async () => {
  const lines = ["containers:", "- name: app", "  args:", "  - |", "    one", "    two"];
  const text = `${pod(lines)}---\n# nothing\n`.replaceAll("\n", "\r\n");
  const { stdout } = await weft(text, "inject", "-f", "-");
  expect(stdout.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  expect((await weft(stdout, "uninject", "-f", "-")).stdout).toBe(text);
});
