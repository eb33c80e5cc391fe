/**
 * The Helm chart, rendered by Helm itself, and `weft install` are the same installation: object by object, for any settings that both
 * know. What differs on purpose is said here and nowhere else: the Namespace is Helm's to make, and what must outlive a release is marked.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { findProgram, requires } from "../harness/requires.ts";
import { runs } from "../harness/runs.ts";
import { weft } from "../harness/weft.ts";

const CHART = join(import.meta.dirname, "../../deploy/chart");
const KEEP = "helm.sh/resource-policy";
type Json = Record<string, unknown>;

interface Manifest extends Json {
  readonly kind: string;
  readonly metadata: Json & { readonly name: string; readonly namespace?: string };
}

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "weft-helm-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Helm with `values` on its standard input. */
function helm(args: readonly string[], values: object = {}): Promise<Ran> {
  const env = { PATH: process.env["PATH"], HOME: home };
  return new Promise((resolve) => {
    const done = (error: Error | null, stdout: string, stderr: string) =>
      resolve({ code: error === null ? 0 : 1, stdout, stderr });
    const maxBuffer = 16 * 1_048_576;
    const child = execFile(
      findProgram("helm") ?? "helm",
      [...args],
      { env, maxBuffer, timeout: 20_000 },
      done,
    );
    child.stdin?.end(JSON.stringify(values));
  });
}

const template = (values: object, namespace = "weft-system", chart = CHART) =>
  helm(
    ["template", "weft", chart, "--namespace", namespace, "--kube-version", "1.31.0", "--values", "-"],
    values,
  );

async function charted(values: object, namespace?: string): Promise<readonly Manifest[]> {
  const { code, stdout, stderr } = await template(values, namespace);
  expect([code, stderr]).toEqual([0, ""]);
  return parseAllDocuments(stdout, { uniqueKeys: true }).flatMap((document) => {
    expect(document.errors).toEqual([]);
    return (document.toJSON() as Manifest | null) ?? [];
  });
}

async function printed(flags: readonly string[]): Promise<readonly Manifest[]> {
  const { code, stdout, stderr } = await weft("", "install", "--json", ...flags);
  expect([code, stderr]).toEqual([0, ""]);
  return (JSON.parse(stdout) as { items: Manifest[] }).items;
}

const idOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
const byId = (list: readonly Manifest[]) => Object.fromEntries(list.map((one) => [idOf(one), one]));
const outlives = ({ kind }: Manifest) => kind === "CustomResourceDefinition" || kind === "Secret";

/** Without the mark, which must be there. */
function unmarked(manifest: Manifest): Manifest {
  if (!outlives(manifest)) return manifest;
  const { annotations, ...metadata } = manifest.metadata;
  expect(annotations, idOf(manifest)).toEqual({ [KEEP]: "keep" });
  return { ...manifest, metadata: metadata as Manifest["metadata"] };
}

async function expectSame(flags: readonly string[], values: object, namespace?: string): Promise<void> {
  const [chart, install] = await Promise.all([charted(values, namespace), printed(flags)]);
  const names = chart.map(idOf);
  expect(new Set(names).size).toBe(names.length);
  expect(byId(chart.map(unmarked))).toEqual(byId(install.filter(({ kind }) => kind !== "Namespace")));
}

requires("helm")("the Helm chart", () => {
  describe("is what weft install prints", () => {
    it.each<readonly [string, readonly string[], object, string | undefined]>([
      ["by default", [], {}, undefined],
      ["with several replicas", ["--replicas", "3"], { replicas: 3 }, undefined],
      ["elsewhere", ["--namespace", "mesh"], {}, "mesh"],
      ["with your CA", ["--ca-secret", "your-ca"], { ca: { existingSecret: "your-ca" } }, undefined],
      [
        "with your image",
        [
          ...["--image", "registry.example:5000/weft:0.1.0", "--image-pull-policy", "IfNotPresent"],
          ...["--image-pull-secret", "one", "--image-pull-secret", "two"],
        ],
        {
          image: { repository: "registry.example:5000/weft", tag: "0.1.0", pullPolicy: "IfNotPresent" },
          imagePullSecrets: ["one", "two"],
        },
        undefined,
      ],
      [
        "with an image by digest, and another one for sidecars",
        [
          "--image",
          `weft@sha256:${"0a".repeat(32)}`,
          "--sidecar-image",
          "sidecar:1",
          "--sidecar-form",
          "classic",
        ],
        { image: { digest: `sha256:${"0a".repeat(32)}` }, sidecar: { image: "sidecar:1", form: "classic" } },
        undefined,
      ],
      [
        "without limits and definitions",
        ["--memory-limit", "none", "--cpu", "none", "--no-crds"],
        { resources: { requests: { cpu: null }, limits: { memory: null } }, crds: { install: false } },
        undefined,
      ],
    ])("%s", (_what, flags, values, namespace) => expectSame(flags, values, namespace));

    it("with any settings that both know", async () => {
      const quantity = fc.constantFrom("none", "100m", "2", "64Mi", "1Gi");
      const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
      const settings = fc.record({
        namespace: fc.constantFrom("weft-system", "mesh"),
        replicas: fc.integer({ min: 1, max: 5 }),
        caSecret: maybe(fc.constant("your-ca")),
        trustDomain: maybe(fc.constantFrom("example.org", "cluster.local")),
        form: fc.constantFrom("native", "classic"),
        failurePolicy: fc.constantFrom("Fail", "Ignore"),
        logLevel: fc.constantFrom("info", "warn", "error"),
        priorityClass: maybe(fc.constant("system-cluster-critical")),
        pullPolicy: maybe(fc.constantFrom("Always", "Never")),
        crds: fc.boolean(),
        resources: fc.record({ cpu: quantity, cpuLimit: quantity, memory: quantity, memoryLimit: quantity }),
      });
      await fc.assert(
        fc.asyncProperty(settings, async ({ resources, ...s }) => {
          const flag = (name: string, value: string | number | undefined) =>
            value === undefined ? [] : [`--${name}`, String(value)];
          const flags = [
            ...flag("namespace", s.namespace),
            ...flag("replicas", s.replicas),
            ...flag("ca-secret", s.caSecret),
            ...flag("trust-domain", s.trustDomain),
            ...flag("sidecar-form", s.form),
            ...flag("failure-policy", s.failurePolicy),
            ...flag("log-level", s.logLevel),
            ...flag("priority-class", s.priorityClass),
            ...flag("image-pull-policy", s.pullPolicy),
            ...flag("cpu", resources.cpu),
            ...flag("cpu-limit", resources.cpuLimit),
            ...flag("memory", resources.memory),
            ...flag("memory-limit", resources.memoryLimit),
            ...(s.crds ? [] : ["--no-crds"]),
          ];
          const given = (text: string) => (text === "none" ? null : text);
          const values = {
            replicas: s.replicas,
            ca: { existingSecret: s.caSecret ?? "" },
            trustDomain: s.trustDomain ?? "",
            sidecar: { form: s.form },
            webhook: { failurePolicy: s.failurePolicy },
            log: { level: s.logLevel },
            priorityClassName: s.priorityClass ?? "",
            image: { pullPolicy: s.pullPolicy ?? "" },
            crds: { install: s.crds },
            resources: {
              requests: { cpu: given(resources.cpu), memory: given(resources.memory) },
              limits: { cpu: given(resources.cpuLimit), memory: given(resources.memoryLimit) },
            },
          };
          await expectSame(flags, values, s.namespace);
        }),
        runs(15),
      );
    });
  });

  it("passes Helm's own lint", async () => {
    const { code, stdout, stderr } = await helm(["lint", "--strict", "--kube-version", "1.31.0", CHART]);
    expect([code, stdout.includes("0 chart(s) failed")], stdout + stderr).toEqual([0, true]);
  });

  it("puts its pods where it is told to, and keeps what finds them", async () => {
    const podLabels = { team: "mesh", "app.kubernetes.io/name": "other" };
    const podAnnotations = { note: "x", "weft.dev/inject": "true" };
    const nodeSelector = { "kubernetes.io/os": "linux" };
    const tolerations = [{ key: "control", operator: "Exists" }];
    const affinity = { nodeAffinity: {} };
    const list = await charted({ podLabels, podAnnotations, nodeSelector, tolerations, affinity });
    const deployment = list.find(({ kind }) => kind === "Deployment");
    expect(deployment?.["spec"]).toMatchObject({
      template: {
        metadata: {
          labels: { team: "mesh", "app.kubernetes.io/name": "weft-control-plane" },
          annotations: { note: "x", "weft.dev/inject": "false" },
        },
        spec: { nodeSelector, tolerations, affinity },
      },
    });
  });

  it.each<readonly [object, string]>([
    [{ replica: 3 }, "replica"],
    [{ replicas: 0 }, "replicas"],
    [{ replicas: "three" }, "replicas"],
    [{ image: { repository: "" } }, "repository"],
    [{ image: "weft:1" }, "image"],
    [{ image: { digest: "sha256:1" } }, "digest"],
    [{ sidecar: { form: "ambient" } }, "form"],
    [{ webhook: { failurePolicy: "fail" } }, "failurePolicy"],
    [{ trustDomain: "Not A Name" }, "trustDomain"],
    [{ ca: { existingSecret: "a b" } }, "existingSecret"],
    [{ resources: { requests: { memory: "much" } } }, "memory"],
    [{ resources: { memory: "1Gi" } }, "resources"],
    [{ log: { level: "debug" } }, "level"],
    [{ podLabels: { a: 1 } }, "podLabels"],
  ])("refuses %j", async (values, named) => {
    const { code, stderr } = await template(values);
    expect([code, stderr.includes(named)], stderr).toEqual([1, true]);
  });

  it("tells what to do next", async () => {
    const chart = join(home, "chart");
    cpSync(CHART, chart, { recursive: true });
    // Helm shows its notes only where there is a cluster.
    renameSync(join(chart, "templates/NOTES.txt"), join(chart, "templates/_notes.tpl"));
    const notes = readFileSync(join(chart, "templates/_notes.tpl"), "utf8");
    writeFileSync(join(chart, "templates/_notes.tpl"), `{{ define "notes" }}${notes}{{ end }}`);
    writeFileSync(join(chart, "templates/notes.yaml"), `notes: {{ include "notes" . | quote }}\n`);
    const notesOf = async (values: object) => {
      const { stdout } = await template({ ...values, crds: { install: false } }, "mesh", chart);
      const all = parseAllDocuments(stdout).map((document) => document.toJSON() as Json | null);
      return String(all.find((one) => one !== null && "notes" in one)?.["notes"]);
    };
    const one = await notesOf({});
    expect(one).toContain("kubectl -n mesh rollout status deployment/weft-control-plane");
    expect(one).toContain("with 1 replica.");
    expect(one).toContain("--set replicas=3");
    const yours = await notesOf({ replicas: 3, ca: { existingSecret: "your-ca" } });
    expect(yours).toContain("The CA is yours, in Secret your-ca.");
    expect(yours).not.toContain("--set replicas=3");
  });
});

describe("the chart's texts", () => {
  const read = (name: string) => readFileSync(join(CHART, name), "utf8");

  it("have the version of the package", () => {
    const { version } = JSON.parse(readFileSync(join(CHART, "../../package.json"), "utf8")) as Json;
    expect(parse(read("Chart.yaml"))).toMatchObject({ version, appVersion: version });
  });

  it("name every value in the schema, the defaults and the README alike", () => {
    const { properties } = JSON.parse(read("values.schema.json")) as { properties: Record<string, Json> };
    const names = (schema: Json, prefix = ""): readonly string[] =>
      Object.entries((schema["properties"] ?? {}) as Record<string, Json>).flatMap(([name, one]) => {
        const isOpen = one["properties"] === undefined;
        return isOpen ? [`${prefix}${name}`] : names(one, `${prefix}${name}.`);
      });
    // What every chart may be given by the one around it.
    const known = names({ properties }).filter((name) => name !== "global");
    const values = parse(read("values.yaml")) as Json;
    const has = (name: string) =>
      name.split(".").reduce<unknown>((at, part) => (at as Json | undefined)?.[part], values) !== undefined;
    expect(known.filter((name) => !has(name))).toEqual([]);
    const told = [...read("README.md").matchAll(/^\| `([\w.]+)`/gm)].map(([, name]) => name);
    expect(told.toSorted()).toEqual(known.toSorted());
  });
});
