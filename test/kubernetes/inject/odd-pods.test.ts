/** Pods that are rare but real, and annotations that are good each by itself: what injection makes of them can run. */
import { describe, expect, it } from "vitest";
import { readFlags } from "../../../src/cli/sidecar-flags.ts";
import { injectPod, problemText } from "../../../src/inject/inject.ts";
import { parseRanges } from "../../../src/intercept/settings.ts";
import { CLASSIC, SETTINGS } from "./pods.ts";
import type { AnyPod } from "./schema.ts";

const app = { name: "app" };

function inject(value: object, settings = SETTINGS) {
  const result = injectPod(value, settings);
  if (result.kind !== "injected") throw new Error(JSON.stringify(result));
  const { spec } = result.pod as unknown as AnyPod;
  const added = [...(spec.initContainers ?? []), ...spec.containers];
  const named = (name: string) => added.find((one) => one.name === name);
  const env = (named("weft-sidecar")?.env ?? []) as readonly { name: string; value?: string }[];
  const variables = Object.fromEntries(env.map(({ name, value }) => [name, value?.replaceAll("$$", "$")]));
  return { spec, named, variables, warnings: result.warnings };
}

function annotated(annotations: object, spec: object = {}): object {
  return { metadata: { annotations }, spec: { containers: [app], ...spec } };
}

function refusals(value: object): readonly string[] {
  const result = injectPod(value, SETTINGS);
  return result.kind === "refused" ? result.problems.map(problemText) : [result.kind];
}

describe("annotations that contradict each other are refused", () => {
  it.each([
    [{ "weft.dev/telemetry-port": "15006" }, "telemetry-port", "15006 is its inbound port, too"],
    [
      { "weft.dev/inbound-port": "1", "weft.dev/admin-port": "1" },
      "admin-port",
      "1 is its inbound port, too",
    ],
    [
      { "weft.dev/redirect-dns": "true", "weft.dev/dns-port": "15001" },
      "dns-port",
      "15001 is its outbound port, too",
    ],
    [
      { "weft.dev/memory": "1Gi" },
      "memory",
      "1Gi is more than the limit of 512Mi; weft.dev/memory-limit gives another",
    ],
    [
      { "weft.dev/cpu": "1", "weft.dev/cpu-limit": "999m" },
      "cpu",
      "1 is more than the limit of 999m; weft.dev/cpu-limit gives another",
    ],
    [
      { "weft.dev/cpu-limit": "10m" },
      "cpu-limit",
      "10m is less than the request of 50m; weft.dev/cpu gives another",
    ],
  ])("%j", (annotations, name, said) => {
    expect(refusals(annotated(annotations))).toEqual([
      `metadata.annotations["weft.dev/${name}"]: weft.dev/${name}: ${said}`,
    ]);
  });

  it.each([
    { "weft.dev/dns-port": "15001" },
    { "weft.dev/memory": "1Gi", "weft.dev/memory-limit": "1024Mi" },
    { "weft.dev/memory": "1G", "weft.dev/memory-limit": "1Gi" },
    { "weft.dev/cpu": "0.5", "weft.dev/cpu-limit": "500m" },
    { "weft.dev/cpu": "64", "weft.dev/cpu-limit": "none" },
  ])("%j does not", (annotations) => {
    expect(refusals(annotated(annotations))).toEqual(["injected"]);
  });
});

it("what annotations take, weft init takes", () => {
  for (const range of ["fe80::1%eth0/64", "10.0.0.0/008", "10.0.0.0/-1"]) {
    expect(refusals(annotated({ "weft.dev/exclude-outbound-ip-ranges": range }))[0]).toContain(
      "must be networks such as",
    );
  }
  expect(parseRanges("10.0.0.0/08")).toEqual([{ family: "ipv4", cidr: "10.0.0.0/8" }]);
});

describe("times that no timer holds", () => {
  it.each([86_402, 2_592_000, 31_536_001, 2_147_483_647])("%d s are a day", (seconds) => {
    const container = {
      ...app,
      livenessProbe: { httpGet: { port: 80 }, timeoutSeconds: seconds },
      lifecycle: { preStop: { httpGet: { port: 80 } } },
    };
    const spec = { terminationGracePeriodSeconds: seconds, containers: [container] };
    const { variables } = inject({ spec }, CLASSIC);
    const probes = JSON.parse(variables["WEFT_APP_PROBES"] ?? "{}") as object;
    expect(Object.values(probes)).toMatchObject([{ timeoutSeconds: 86_400 }, { timeoutSeconds: 86_400 }]);
    expect(variables["WEFT_DRAIN_TIMEOUT"]).toBe("86400s");
  });
  it("annotations and flags say so", () => {
    expect(refusals(annotated({ "weft.dev/drain-timeout": "25h" }))[0]).toContain("24h at most");
    expect(refusals(annotated({ "weft.dev/drain-timeout": "24h" }))).toEqual(["injected"]);
    expect(() => readFlags(["--drain-timeout", "24h1ms"], {})).toThrow("24h at most");
  });
});

it("a probe of a port that does not exist stays, for the API server to refuse", () => {
  const container = {
    ...app,
    livenessProbe: { grpc: { port: 70_000 } },
    readinessProbe: { httpGet: { port: "99999" } },
    startupProbe: { tcpSocket: { port: "no-such" } },
  };
  const { spec, variables } = inject({ spec: { containers: [container] } });
  expect(spec.containers).toEqual([container]);
  expect(variables["WEFT_APP_PROBES"]).toBeUndefined();
});

it("whoever has the sidecar's group, or its user in a native sidecar, is warned of, too", () => {
  const warnings = (spec: object) => inject({ spec: { containers: [app], ...spec } }).warnings;
  expect(warnings({ securityContext: { runAsGroup: 1337 } })).toEqual([
    "container app runs as group 1337, whose traffic is not taken",
  ]);
  const init = { name: "init", securityContext: { runAsUser: 1337 } };
  expect(warnings({ initContainers: [init] })).toEqual([]);
  expect(warnings({ initContainers: [{ ...init, restartPolicy: "Always" }] })).toEqual([
    "container init runs as user 1337, whose traffic is not taken",
  ]);
});

describe("a pod with a native sidecar of its own", () => {
  const own = {
    ...{ name: "own", restartPolicy: "Always" },
    startupProbe: { httpGet: { port: 9_090 } },
    lifecycle: { postStart: { httpGet: { port: 9_090 } } },
  };
  const spec = { initContainers: [own], containers: [app] };

  it("gets a native one, whatever the mesh does: its cluster knows them", () => {
    const names = inject({ spec }, CLASSIC).spec.initContainers?.map(({ name }) => name);
    expect(names).toEqual(["weft-init", "weft-sidecar", "own"]);
  });
  it("gets a classic one where it says so, which nobody asks before it is there", () => {
    const {
      spec: injected,
      warnings,
      variables,
    } = inject(annotated({ "weft.dev/native-sidecar": "false" }, spec));
    expect(injected.initContainers?.[0]).toEqual(own);
    expect(variables["WEFT_APP_PROBES"]).toBeUndefined();
    expect(warnings).toEqual([
      "container own starts before a classic sidecar: its probes and hooks stay as they are, and fail where mutual TLS is demanded",
    ]);
  });
});

describe("resources", () => {
  it("of the pod as a whole are for the sidecar, too, but for what annotations say", () => {
    const resources = { requests: { cpu: "1" }, limits: { memory: "128Mi" } };
    const { named } = inject(annotated({ "weft.dev/cpu": "20m" }, { resources }));
    expect(named("weft-sidecar")?.["resources"]).toEqual({ requests: { cpu: "20m" }, limits: {} });
    expect(named("weft-init")?.["resources"]).toEqual({ requests: { cpu: "20m" }, limits: {} });
  });
  it("can be the same as their limits everywhere, so that the pod is Guaranteed", () => {
    const annotations = {
      ...{ "weft.dev/cpu": "1", "weft.dev/cpu-limit": "1" },
      ...{ "weft.dev/memory": "1Gi", "weft.dev/memory-limit": "1Gi" },
    };
    const { named } = inject(annotated(annotations));
    const all = { cpu: "1", memory: "1Gi" };
    for (const name of ["weft-init", "weft-sidecar"])
      expect(named(name)?.["resources"]).toEqual({ requests: all, limits: all });
  });
});
