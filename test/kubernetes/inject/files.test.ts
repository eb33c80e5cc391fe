/** `weft inject -f` and `weft uninject -f` as a person types them: golden files, what stays to the letter, what is said of mistakes. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { readFlags } from "../../../src/cli/sidecar-flags.ts";
import { weft } from "../../harness/weft.ts";
import { FIXTURES, fixtureText } from "./pods.ts";
import type { AnyPod } from "./schema.ts";

const FIXTURE_DIRECTORY = join(import.meta.dirname, "fixtures");
const GOLDEN = [
  "deployment-web",
  "deployment-hooks",
  "statefulset-database",
  "cronjob-report",
  "pod-all-annotations",
  "pod-classic",
  "pod-prometheus",
  "list-of-kinds",
  "anchors-and-merge-keys",
];

const values = (text: string): unknown[] =>
  parseAllDocuments(text, { merge: true }).map((one) => one.toJS() as unknown);

/** The version is the package's; goldens outlive it. */
const steady = (text: string) => text.replaceAll(/"version":"[^"]+"/g, '"version":"0.0.0"');

it.each(GOLDEN)("%s, injected", async (name) => {
  const { stdout } = await weft(fixtureText(name), "inject", "-f", "-");
  await expect(steady(stdout)).toMatchFileSnapshot(`golden/${name}.yaml`);
});

describe.each(FIXTURES)("%s", (name) => {
  it.each(["native", "classic"])("%s: there and back, and twice is once", async (form) => {
    const text = fixtureText(name);
    const injected = await weft(text, "inject", "-f", "-", "--sidecar-form", form);
    expect(injected.code).toBe(0);
    expect((await weft(injected.stdout, "inject", "-f", "-", "--sidecar-form", form)).stdout).toBe(
      injected.stdout,
    );
    const back = await weft(injected.stdout, "uninject", "-f", "-");
    expect(back.code).toBe(0);
    expect(values(back.stdout)).toEqual(values(text));
  });
});

it("every sidecar's environment is one that weft sidecar takes", async () => {
  for (const name of FIXTURES) {
    const { stdout } = await weft(fixtureText(name), "inject", "-f", "-");
    const found = JSON.stringify(values(stdout)).includes("weft-sidecar");
    for (const env of environments(values(stdout))) {
      const flags = readFlags([], env);
      expect(flags.get("control-plane"), name).toBe("weft-control-plane.weft-system.svc:15012");
      expect(found).toBe(true);
    }
  }
});

/** As the kubelet would have it: fields of the pod filled in, `$$` undone. */
function environments(found: readonly unknown[]): Record<string, string>[] {
  const text = JSON.stringify(found);
  const pods: AnyPod[] = [];
  JSON.parse(text, (_key, value: unknown) => {
    if (typeof value === "object" && value !== null && "initContainers" in value)
      pods.push({ spec: value as AnyPod["spec"] });
    return value;
  });
  return pods.flatMap(({ spec }) =>
    [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ name, env = [] }) => {
      if (name !== "weft-sidecar") return [];
      const pairs = (env as readonly { name: string; value?: string }[]).map(
        ({ name: key, value = "from-the-pod" }) => [
          key,
          value === "$(POD_NAMESPACE)/$(POD_NAME)" ? "shop/web" : value.replaceAll("$$", "$"),
        ],
      );
      return [Object.fromEntries(pairs) as Record<string, string>];
    }),
  );
}

describe("what is not a pod", () => {
  const other =
    "# a comment\napiVersion: v1\nkind: ConfigMap   # odd   spacing\nmetadata: {name: a,   labels: {}}\ndata:\n    text: |\n      --- not a document\n";

  it("stays to the letter, beside others that change", async () => {
    const { stdout } = await weft(
      `${other}---\n${fixtureText("pod-minimal")}---\n${other}`,
      "inject",
      "-f",
      "-",
    );
    expect(stdout.startsWith(`${other}---\n`)).toBe(true);
    expect(stdout.endsWith(`---\n${other}`)).toBe(true);
    expect(stdout).toContain("weft-sidecar");
  });
  it("keeps comments and quotes where a document changes", async () => {
    const { stdout } = await weft(fixtureText("deployment-web"), "inject", "-f", "-");
    expect(stdout).toContain("# A web server with HTTP probes on a named port.");
    expect(stdout).toContain('image: "registry.example/web:1.4.2" # pinned');
  });
});

describe("JSON", () => {
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    spec: { containers: [{ name: "a" }] },
  });

  it("stays JSON", async () => {
    const { stdout } = await weft(text, "inject", "-f", "-");
    expect(JSON.stringify(JSON.parse(stdout))).toContain("weft-sidecar");
    const back = await weft(stdout, "uninject", "-f", "-");
    expect(JSON.stringify(JSON.parse(back.stdout))).toBe(text);
  });
  it("--json tells what became of each pod, with the manifests", async () => {
    const { code, stdout } = await weft(
      "",
      "inject",
      "--json",
      "-f",
      join(FIXTURE_DIRECTORY, "list-of-kinds.yaml"),
      "-f",
      join(FIXTURE_DIRECTORY, "daemonset-host-network.yaml"),
    );
    const { valid, items, manifests } = JSON.parse(stdout) as Record<string, unknown>;
    expect([code, valid]).toEqual([0, true]);
    expect(items).toMatchObject([
      { kind: "Pod", name: "a", line: 8, action: "injected" },
      { kind: "Deployment", name: "b", action: "injected" },
      {
        kind: "DaemonSet",
        namespace: "monitoring",
        action: "skipped",
        detail: expect.stringContaining("hostNetwork"),
      },
    ]);
    expect(manifests).toContain("weft-sidecar");
  });
});

describe("mistakes are told with file, line and field, and nothing is printed", () => {
  const broken = `${fixtureText("pod-minimal")}---
apiVersion: v1
kind: Pod
metadata:
  name: bad
  annotations:
    weft.dev/concurrency: "many"
spec:
  containers:
    - name: app
      readinessProbe: { httpGet: { path: / } }
`;

  it("of annotations", async () => {
    const text = broken.replace("{ path: / }", "{ path: /, port: 80 }");
    const { code, stdout, stderr } = await weft(text, "inject", "-f", "-");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      'stdin:15:27: error: metadata.annotations["weft.dev/concurrency"]: weft.dev/concurrency must be a whole number from 1 to 64, found "many"\n',
    );
  });
  it("of pods that are none", async () => {
    const { code, stderr } = await weft(broken, "inject", "-f", "-");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^stdin:19:.*: error: spec\.containers\[0\]\.readinessProbe\.httpGet\.port: must be a port/,
    );
  });
  it("of YAML", async () => {
    const { code, stdout, stderr } = await weft("kind: [\n", "inject", "-f", "-");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^stdin:2:1: error: /);
  });
  it("--json tells them, too", async () => {
    const { code, stdout } = await weft(broken, "inject", "-f", "-", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      issues: [{ line: 19, kind: "Pod", name: "bad" }],
    });
  });
  it("a command line without files, or with a wrong form, is not understood", async () => {
    expect((await weft("", "inject")).code).toBe(2);
    expect((await weft("", "inject", "-f", "-", "--sidecar-form", "ambient")).code).toBe(2);
    expect((await weft("", "inject", "-f", "-", "--control-plane", "nowhere")).code).toBe(2);
  });
});
