/** The manifests belong together, and are what Pod Security calls restricted. */
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { manifests, manifestText } from "../../src/install/manifests.ts";
import { DEFAULT_INSTALL } from "../../src/install/settings.ts";

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

it("have names once, and references that lead somewhere", () => {
  const list = manifests(DEFAULT_INSTALL);
  const ids = list.map(({ kind, metadata }) => `${kind} ${(metadata as Json)["name"]}`);
  expect(new Set(ids).size).toBe(ids.length);
  const { spec, metadata } = templateOf(list);
  expect(ids).toContain(`ServiceAccount ${spec["serviceAccountName"]}`);
  const [volume] = spec["volumes"] as { persistentVolumeClaim: { claimName: string } }[];
  expect(ids).toContain(`PersistentVolumeClaim ${volume?.persistentVolumeClaim.claimName}`);
  const service = find(list, "Service")?.["spec"] as { selector: Json; ports: { targetPort: string }[] };
  expect(metadata["labels"]).toMatchObject(service.selector);
  const [container] = spec["containers"] as { ports: { name: string }[] }[];
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

it("have several replicas and a budget where there is a CA for all", () => {
  const list = manifests({ ...DEFAULT_INSTALL, namespace: "mesh", caSecret: "weft-ca", replicas: 3 });
  expect(find(list, "PersistentVolumeClaim")).toBeUndefined();
  expect(find(list, "PodDisruptionBudget")).toBeDefined();
  const { spec, replicas } = templateOf(list);
  expect(replicas).toBe(3);
  expect(JSON.stringify(spec)).toContain('"secretName":"weft-ca"');
  expect(JSON.stringify(spec)).toContain("--ca-dir=/etc/weft/ca");
  const placed = list.filter(({ kind }) => kind !== "CustomResourceDefinition");
  expect(JSON.stringify(placed)).not.toContain("weft-system");
});
