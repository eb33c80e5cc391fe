/**
 * The admission webhook as a real API server calls it: by the name of its Service, with the CA that the control plane wrote, about pods that
 * kubectl and controllers make; and what the API server then makes of the injected pods.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { injectPod } from "../../../src/inject/inject.ts";
import { requires } from "../../harness/requires.ts";
import { weft } from "../../harness/weft.ts";
import { allPods, FIXTURES, SETTINGS } from "../inject/pods.ts";
import { install, leadWebhookTo, type PlaneProcess, startPlane } from "./control-plane.ts";
import { Requests } from "./requests.ts";
import { clusterOfSuite } from "./suite.ts";

const ORIGINALS = join(import.meta.dirname, "../inject/fixtures");
const PODS = "/api/v1/namespaces/mesh/pods";
const WAIT = { timeout: 15_000, interval: 100 };
const INJECTED = "mesh";

interface Pod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[];
  };
}

/** Names of containers, as the API server has them: init containers, then the others. */
function namesOf({ spec }: Pod): string {
  const names = (list: Pod["spec"]["containers"] = []) => list.map(({ name }) => name).join(" ");
  return `${names(spec.initContainers)} | ${names(spec.containers)}`;
}

requires("kubernetes")("the webhook of a real API server", () => {
  let plane: PlaneProcess;
  let requests: Requests | undefined;
  const suite = clusterOfSuite({}, async (own) => {
    const { kubectl } = own;
    await install(own);
    plane = await startPlane(own, "a");
    await leadWebhookTo(plane, own);
    await kubectl.given(NAMESPACES.map((each) => JSON.stringify(each)).join("\n---\n"), "create", "-f", "-");
    const wait = ["wait", "--for=create", "--timeout=20s", "serviceaccount/default", "-n"];
    await Promise.all(NAMESPACES.map(({ metadata }) => kubectl(...wait, metadata.name)));
    requests = new Requests(own.cluster.kubeconfig);
    // The API server hears of the webhook a moment later.
    const probe = async () => JSON.stringify((await requests?.tryOut(PODS, podNamed("probe")))?.body);
    await vi.waitFor(async () => expect(await probe(), plane.log()).toContain("weft-sidecar"), WAIT);
  });
  afterAll(async () => {
    requests?.close();
    await plane?.stop();
  });

  const create = async (pod: object, namespace: string) => {
    const args = ["create", "-n", namespace, "-o", "json", "-f", "-"];
    const { code, stdout, stderr } = await suite.kubectl.tried(JSON.stringify(pod), ...args);
    return { pod: code === 0 ? (JSON.parse(stdout) as Pod) : undefined, stderr };
  };

  it("injects what kubectl creates, as native sidecars that the API server takes", async () => {
    const { pod, stderr } = await create(podNamed("native"), INJECTED);
    expect(stderr).toBe("");
    expect(pod && namesOf(pod)).toBe("weft-init weft-sidecar | app");
    expect(pod?.spec.initContainers?.[1]?.restartPolicy).toBe("Always");
    expect(pod?.metadata.annotations?.["weft.dev/injected"]).toBe("true");
  });

  it("injects the pods of a Deployment, whose ReplicaSet makes them", async () => {
    await suite.kubectl("create", "deployment", "web", "--image=web", "--replicas=3", "-n", INJECTED);
    const names = async () => {
      const list = await suite.kubectl("get", "pods", "-n", INJECTED, "-l", "app=web", "-o", "json");
      return (JSON.parse(list) as { items: Pod[] }).items.map(namesOf);
    };
    await expect.poll(names, WAIT).toEqual(Array.from({ length: 3 }, () => "weft-init weft-sidecar | web"));
  });

  describe("what it makes of pods of all shapes", () => {
    const pods = allPods().map(({ label, value }) => ({ label, pod: podOf(label, value) }));

    beforeAll(async () => {
      const names = new Set(pods.map(({ pod: { spec } }) => spec.serviceAccountName ?? "default"));
      names.delete("default");
      const accounts = [...names].map((name) => ({
        ...{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: INJECTED } },
      }));
      await suite.kubectl.given(
        accounts.map((each) => JSON.stringify(each)).join("\n---\n"),
        "create",
        "-f",
        "-",
      );
    });

    it.each(pods)("$label: injected, or a word of why not, and the API server takes it", async ({ pod }) => {
      const { status, body, warnings } = (await requests?.tryOut(PODS, pod)) ?? expect.fail("no cluster");
      expect(status, body.message).toBe(201);
      const { kind } = injectPod(pod, SETTINGS, { namespace: INJECTED });
      const has = namesOf(body as Pod).includes("weft-sidecar");
      expect(has).toBe(kind === "injected");
      const asked = JSON.stringify(pod.metadata).includes("weft.dev/inject");
      if (!has && !asked) expect(warnings.join("\n")).toContain("Weft: no sidecar: ");
    });
  });

  it("takes what weft inject makes of each fixture as it takes the original", async () => {
    const injected = join(suite.cluster.folder, "injected");
    mkdirSync(injected);
    for (const name of FIXTURES) {
      const { stdout } = await weft("", "inject", "-f", join(ORIGINALS, `${name}.yaml`));
      writeFileSync(join(injected, `${name}.yaml`), stdout);
    }
    const [ours, theirs] = await Promise.all(
      [injected, ORIGINALS].map(async (folder) => {
        const all = FIXTURES.flatMap((name) => ["-f", join(folder, `${name}.yaml`)]);
        const { stdout, stderr } = await suite.kubectl.tried("", "create", "--dry-run=server", ...all);
        // The API server draws names for what has none.
        const created = stdout
          .replaceAll(/\bmigrate-\w+/g, "migrate-")
          .split("\n")
          .sort();
        return { created, refused: stderr.replaceAll(folder, "").split("\n").sort() };
      }),
    );
    expect(ours).toEqual(theirs);
    for (const line of ours?.refused ?? [])
      expect(line).toMatch(/^$|^Warning: |name or generateName is required/);
    expect(ours?.created.length).toBeGreaterThan(FIXTURES.length);
  });

  it("leaves alone who asks for it, with a reason where it is not the asker's", async () => {
    const out = await create(podNamed("out", { "weft.dev/inject": "false" }), INJECTED);
    expect([out.pod && namesOf(out.pod), out.stderr]).toEqual([" | app", ""]);
    const host = await create(podNamed("host", {}, { hostNetwork: true }), INJECTED);
    expect(host.pod && namesOf(host.pod)).toBe(" | app");
    expect(host.stderr).toContain("Warning: Weft: no sidecar: hostNetwork is true");
  });

  it("is not asked about pods of other namespaces, and of the system's never", async () => {
    for (const namespace of ["plain", "kube-system"]) {
      const { pod } = await create(podNamed("a"), namespace);
      expect(pod && namesOf(pod)).toBe(" | app");
    }
  });

  it("refuses a bad annotation, and whoever runs kubectl reads why", async () => {
    const { pod, stderr } = await create(podNamed("bad", { "weft.dev/cpu": "many" }), INJECTED);
    expect(pod).toBeUndefined();
    expect(stderr).toMatch(
      /admission webhook "namespace\.inject\.weft\.dev" denied the request: .*weft\.dev\/cpu.*a quantity such as 100m/,
    );
  });

  it("gives pods what Pod Security calls privileged: weft-init has NET_ADMIN", async () => {
    for (const level of ["baseline", "restricted"]) {
      const { pod, stderr } = await create(podNamed("strict", {}, RESTRICTED), level);
      expect(pod).toBeUndefined();
      expect(stderr).toMatch(new RegExp(`violates PodSecurity "${level}:latest": .*weft-init.*NET_ADMIN`));
    }
    const { pod, stderr } = await create(podNamed("strict", {}, RESTRICTED), "privileged");
    expect([pod && namesOf(pod), stderr]).toEqual(["weft-init weft-sidecar | app", ""]);
  });

  it("keeps pods waiting where it is away, but none of the system's or without the label", {
    timeout: 60_000,
  }, async () => {
    await plane.stop();
    const { stderr } = await create(podNamed("orphan"), INJECTED);
    expect(stderr).toContain('failed calling webhook "namespace.inject.weft.dev"');
    for (const namespace of ["plain", "kube-system", "weft-system"]) {
      const { pod, stderr: said } = await create(podNamed("free", {}, RESTRICTED), namespace);
      expect(pod, said).toBeDefined();
    }
    const ignore = [{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }];
    await suite.kubectl(
      "patch",
      "mutatingwebhookconfiguration",
      "weft",
      "--type=json",
      "-p",
      JSON.stringify(ignore),
    );
    const taken = async () => (await create(podNamed("orphan"), INJECTED)).pod;
    await expect.poll(taken, WAIT).toBeDefined();
  });
});

const NAMESPACES = [
  namespaceNamed(INJECTED, { "weft.dev/inject": "true" }),
  ...["plain", "shop", "data", "monitoring"].map((name) => namespaceNamed(name, {})),
  ...["baseline", "restricted", "privileged"].map((level) =>
    namespaceNamed(level, { "weft.dev/inject": "true", "pod-security.kubernetes.io/enforce": level }),
  ),
];

/** What Pod Security asks of everybody. */
const RESTRICTED = {
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
  containers: [
    {
      ...{ name: "app", image: "app" },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    },
  ],
};

interface Template {
  readonly metadata?: object;
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly containers: readonly Mounting[];
    readonly initContainers?: readonly Mounting[];
    readonly volumes?: readonly { readonly name: string }[];
  };
}
type Mounting = { readonly volumeMounts?: readonly { readonly name: string }[] };

/** A pod such as a controller makes of a template: named, and with the volumes that a StatefulSet claims. */
function podOf(label: string, value: unknown) {
  const { metadata, spec } = value as Template;
  const {
    namespace: _other,
    generateName: _drawn,
    ...rest
  } = { namespace: "", generateName: "", ...metadata };
  const { containers, initContainers = [], volumes = [] } = spec;
  const there = volumes.map(({ name }) => name);
  const mounted = [...initContainers, ...containers].flatMap(({ volumeMounts = [] }) => volumeMounts);
  const claimed = new Set(mounted.map(({ name }) => name).filter((name) => !there.includes(name)));
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { ...rest, name: label.replaceAll(/[^a-z0-9]+/g, "-") },
    spec: { ...spec, volumes: [...volumes, ...[...claimed].map((name) => ({ name, emptyDir: {} }))] },
  };
}

function podNamed(name: string, annotations: object = {}, spec: object = {}): object {
  const containers = [{ name: "app", image: "app" }];
  return { apiVersion: "v1", kind: "Pod", metadata: { name, annotations }, spec: { containers, ...spec } };
}

function namespaceNamed(name: string, labels: Readonly<Record<string, string>>) {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}
