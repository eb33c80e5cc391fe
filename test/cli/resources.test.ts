/** apply, get, delete, status and validate as a person types them, against a control plane on a real socket. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ControlPlane } from "../../src/control-plane/server.ts";
import { startPlane } from "../control-plane/plane-process.ts";
import { weftIn } from "../harness/weft.ts";

const service = (name: string, labels = "{}") =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, labels: ${labels} }\nspec: { ports: [{ port: 80 }] }\n`;

let folder: string;
let plane: ControlPlane;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-cli-"));
  mkdirSync(join(folder, "mesh"));
  plane = await startPlane(join(folder, "mesh"));
});
afterEach(async () => {
  await plane.close();
  rmSync(folder, { recursive: true, force: true });
});

function weft(stdin: string, ...argv: string[]) {
  const env = { WEFT_API: `http://127.0.0.1:${plane.apiPort}` };
  return weftIn({ stdin, env, cwd: folder }, ...argv);
}

describe("what may be a mistake", () => {
  const route =
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: r }\n" +
    "spec: { parentRefs: [{ name: a }], rules: [{ backendRefs: [{ name: b, port: 80 }] }] }\n";

  it("is told when a change makes it, and only then", async () => {
    const applied = await weft(`${service("a")}---\n${route}`, "apply", "-f", "-");
    expect(applied).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/warning: .*backendRefs\[0\].*b/),
    });
    expect(await weft(service("c"), "apply", "-f", "-")).toMatchObject({ code: 0, stderr: "" });
    expect((await weft(service("b"), "apply", "-f", "-")).stderr).toBe("");
    const removed = await weft("", "delete", "svc/b");
    expect(removed).toMatchObject({ code: 0, stdout: "Service default/b deleted\n" });
    expect(removed.stderr).toMatch(/warning: .*backendRefs\[0\].*b/);
  });

  it("is a kind that Weft does not read: it is left alone, and the rest is applied", async () => {
    const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d }\n";
    const told = /warning: kind: "Deployment" of apps\/v1 is no kind that Weft reads; it is left alone\n$/;
    const { code, stdout, stderr } = await weft(`${service("a")}---\n${deployment}`, "apply", "-f", "-");
    expect([code, stdout]).toEqual([0, "Service default/a created\n"]);
    expect(stderr).toMatch(told);
    expect(await weft(deployment, "apply", "-f", "-")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(told),
    });
  });

  it("is to apply nothing", async () => {
    expect(await weft("# nothing\n", "apply", "-f", "-")).toMatchObject({
      code: 1,
      stderr: "error: no resources in -\n",
    });
  });
});

it("weft validate tells all that is wrong, however much", async () => {
  const text = Array.from({ length: 300 }, (_, i) => service(`s${i}`).replace("port:", "prot:")).join(
    "---\n",
  );
  const { code, stdout } = await weft(text, "validate", "-");
  expect(code).toBe(1);
  expect(stdout.match(/prot: unknown field; did you mean "port"\?\n/g)).toHaveLength(300);
  expect(stdout).toMatch(/\n1 file, 0 valid resources, 600 errors, 0 warnings\n$/);
});

describe("weft status", () => {
  it("tells of files that are broken, and that what was good is served", async () => {
    expect(await weft("", "status")).toEqual({ code: 0, stdout: "no sidecar is connected\n", stderr: "" });
    writeFileSync(join(folder, "mesh", "bad.yaml"), service("B"));
    await expect.poll(() => weft("", "status")).toMatchObject({ code: 1 });
    const { stdout } = await weft("", "status");
    expect(stdout).toContain("broken files; the last good state is served:\n  ");
    expect(stdout).toContain("bad.yaml:3:19: error: metadata.name: must be lower case");
    const { source } = JSON.parse((await weft("", "status", "--json")).stdout);
    expect(source).toMatchObject({ state: "broken", issues: [{ line: 3, field: "metadata.name" }] });
  });
});

describe("weft get", () => {
  beforeEach(() => weft(service("a", "{ team: x }"), "apply", "-f", "-"));

  it.each([
    ["services", "NAMESPACE  NAME  PORTS  SELECTOR\ndefault    a     80     -\n"],
    [
      "services -o wide",
      "NAMESPACE  NAME  PORTS  SELECTOR  LABELS\ndefault    a     80     -         team=x\n",
    ],
    ["svc -o name", "service/a\n"],
    ["svc/a -o yaml", /^apiVersion: v1\nkind: Service\n/],
    ["svc a -o json", /^\{\n {2}"apiVersion": "v1"/],
    ["routes", "none\n"],
  ])("%s", async (args, expected) => {
    const { code, stdout } = await weft("", "get", ...args.split(" "));
    expect(code).toBe(0);
    if (typeof expected === "string") expect(stdout).toBe(expected);
    else expect(stdout).toMatch(expected);
  });

  it("says which resource was meant", async () => {
    await weft(service("catalog"), "apply", "-f", "-");
    expect(await weft("", "get", "svc", "catalgo")).toMatchObject({
      code: 1,
      stderr: 'error: no Service default/catalgo\n  did you mean "catalog"?\n',
    });
  });

  it("says which kind was meant", async () => {
    expect(await weft("", "get", "servise")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no kind "servise", did you mean "Service"?'),
    });
  });
});

describe("weft delete -f", () => {
  it("deletes what there is, names what there is not, and exits with 1", async () => {
    await weft(service("a"), "apply", "-f", "-");
    const both = `${service("a")}---\n${service("b")}`;
    expect(await weft(both, "delete", "-f", "-")).toEqual({
      code: 1,
      stdout: "Service default/a deleted\n",
      stderr: "Service default/b not found\n",
    });
    const again = await weft(both, "delete", "-f", "-", "--ignore-not-found", "--wait");
    expect(again).toMatchObject({ code: 0, stderr: "" });
  });

  it("takes kind/name too", async () => {
    await weft(service("a"), "apply", "-f", "-");
    expect((await weft("", "delete", "svc/a")).stdout).toBe("Service default/a deleted\n");
    expect(await weft("", "delete", "svc/a")).toMatchObject({
      code: 1,
      stderr: "error: no Service default/a\n",
    });
  });
});

describe("weft apply", () => {
  it("prints what was probably meant", async () => {
    const { code, stderr } = await weft(service("a").replace("port:", "prot:"), "apply", "-f", "-");
    expect(code).toBe(1);
    expect(stderr).toContain('stdin:4:19: error: spec.ports[0].prot: unknown field; did you mean "port"?');
  });

  it("--wait says how many and how fast", async () => {
    const { code, stdout } = await weft(service("a"), "apply", "-f", "-", "--wait");
    expect(code).toBe(0);
    expect(stdout).toBe("Service default/a created\nno connected sidecar is concerned\n");
  });
});

it("weft validate prints every error of every file of a directory, and exits with 1", async () => {
  const wrong = join(folder, "wrong");
  mkdirSync(join(wrong, "deep"), { recursive: true });
  writeFileSync(join(wrong, "a.yaml"), `${service("a").replace("port:", "prot:")}---\n${service("B")}`);
  writeFileSync(join(wrong, "deep", "b.json"), '{"apiVersion": "v1", "kind": "Servic"}');
  writeFileSync(join(wrong, "c.yml"), "kind: [\n");
  const { code, stdout } = await weft("", "validate", wrong);
  expect(code).toBe(1);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.at(-1)).toBe("3 files, 0 valid resources, 5 errors, 0 warnings");
  expect(lines.filter((line) => line.includes(": error: "))).toHaveLength(5);
  expect(stdout).toContain('did you mean "port"?');
  expect(stdout).toContain('did you mean "Service"?');
  const asJson = await weft("", "validate", wrong, "--json");
  expect(JSON.parse(asJson.stdout)).toMatchObject({ valid: false, files: 3, resources: 0 });
});

it("an unknown command is told what it may have meant", async () => {
  expect((await weft("", "aplly")).stderr).toContain('no command "aplly", did you mean "apply"?');
});
