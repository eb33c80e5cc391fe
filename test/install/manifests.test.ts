/** The manifests belong together, and are what Pod Security calls restricted. */
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { manifests, manifestText } from "../../src/install/manifests.ts";
import { DEFAULT_INSTALL } from "../../src/install/settings.ts";
import { weft } from "../harness/weft.ts";
import { schemaFaults } from "../kubernetes/inject/schema.ts";

type Json = Record<string, unknown>;

const find = (list: readonly Json[], kind: string) =>
  list.find((one) => one["kind"] === kind) as Json | undefined;

function templateOf(list: readonly Json[]) {
  const spec = find(list, "Deployment")?.["spec"] as {
    replicas: number;
    template: { metadata: Json; spec: Json };
  };
  return { replicas: spec.replicas, ...spec.template };
}

it("are YAML of what they are", () => {
  const list = manifests(DEFAULT_INSTALL);
  expect(parseAllDocuments(manifestText(list)).map((document) => document.toJSON())).toEqual(
    JSON.parse(JSON.stringify(list)),
  );
});

it("are what the official OpenAPI document says of their kinds", () => {
  const list = manifests({
    ...DEFAULT_INSTALL,
    ...{ replicas: 3, caSecret: "your-ca", imagePullSecrets: ["one"], imagePullPolicy: "Always" },
    ...{ priorityClass: "system-cluster-critical", trustDomain: "example.org", crds: false },
  });
  for (const manifest of [...list, ...manifests({ ...DEFAULT_INSTALL, crds: false })]) {
    expect(schemaFaults(JSON.parse(JSON.stringify(manifest)), `V1${manifest["kind"]}`)).toEqual([]);
  }
});

it("run on Linux, and serve until every machine has heard that a pod ends", () => {
  const { spec } = templateOf(manifests(DEFAULT_INSTALL));
  expect(spec).toMatchObject({
    nodeSelector: { "kubernetes.io/os": "linux" },
    containers: [{ lifecycle: { preStop: { exec: { command: ["sleep", "5"] } } } }],
  });
});

it("have names once, and references that lead somewhere", () => {
  const list = manifests(DEFAULT_INSTALL);
  const ids = list.map(({ kind, metadata }) => `${kind} ${(metadata as Json)["name"]}`);
  expect(new Set(ids).size).toBe(ids.length);
  const { spec, metadata } = templateOf(list);
  expect(ids).toContain(`ServiceAccount ${spec["serviceAccountName"]}`);
  const [container] = spec["containers"] as { args: string[]; ports: { name: string }[] }[];
  const secret = container?.args.find((arg) => arg.startsWith("--ca-secret="))?.split("=")[1];
  expect(ids).toContain(`Secret ${secret}`);
  const service = find(list, "Service")?.["spec"] as { selector: Json; ports: { targetPort: string }[] };
  expect(metadata["labels"]).toMatchObject(service.selector);
  expect(service.ports.map(({ targetPort }) => targetPort)).toEqual(container?.ports.map(({ name }) => name));
});

it("run as nobody, with nothing", () => {
  const { spec } = templateOf(manifests(DEFAULT_INSTALL));
  expect(spec["securityContext"]).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
  const [container] = spec["containers"] as Json[];
  expect(container?.["securityContext"]).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
});

it("have a budget and are spread where there are several replicas, and fit into any namespace", () => {
  const one = manifests(DEFAULT_INSTALL);
  expect(find(one, "PodDisruptionBudget")).toBeUndefined();
  expect(templateOf(one).spec).not.toHaveProperty("topologySpreadConstraints");
  const list = manifests({ ...DEFAULT_INSTALL, namespace: "mesh", replicas: 3 });
  expect(find(list, "PodDisruptionBudget")).toBeDefined();
  const { spec, replicas } = templateOf(list);
  expect(replicas).toBe(3);
  expect(spec["topologySpreadConstraints"]).toHaveLength(2);
  const placed = list.filter(({ kind }) => kind !== "CustomResourceDefinition");
  expect(JSON.stringify(placed)).not.toContain("weft-system");
});

it("mount the operator's CA, and have no Secret of their own then", () => {
  const list = manifests({ ...DEFAULT_INSTALL, caSecret: "your-ca" });
  expect(find(list, "Secret")).toBeUndefined();
  const { spec } = templateOf(list);
  expect(JSON.stringify(spec)).toContain('"secretName":"your-ca"');
  expect(JSON.stringify(spec)).toContain("--ca-dir=/etc/weft/ca");
  expect(JSON.stringify(spec)).not.toContain("--ca-secret");
});

it("have no more than they are given", () => {
  const resources = { cpu: "none", cpuLimit: "none", memory: "none", memoryLimit: "none" };
  const list = manifests({ ...DEFAULT_INSTALL, resources, crds: false });
  const [container] = templateOf(list).spec["containers"] as Json[];
  expect(container?.["resources"]).toEqual({});
  expect(find(list, "CustomResourceDefinition")).toBeUndefined();
});

it("are printed by weft install, whose flags are checked", async () => {
  const { code, stdout } = await weft("", "install", "--replicas", "2", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout).items).toEqual(
    JSON.parse(JSON.stringify(manifests({ ...DEFAULT_INSTALL, replicas: 2 }))),
  );
  for (const [flag, value] of [
    ["--replicas", "0"],
    ["--namespace", "Not A Name"],
    ["--memory", "much"],
    ["--failure-policy", "Perhaps"],
    ["--ca-secret", "a b"],
  ] as const) {
    const refused = await weft("", "install", flag, value);
    expect([refused.code, refused.stdout, refused.stderr.includes(flag)]).toEqual([2, "", true]);
  }
});
