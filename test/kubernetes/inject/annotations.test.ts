/** What annotations do, and what is said of those that are wrong; the guide lists all of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ANNOTATIONS } from "../../../src/inject/annotations.ts";
import { injectPod, problemText } from "../../../src/inject/inject.ts";
import { SETTINGS } from "./pods.ts";
import type { AnyPod } from "./schema.ts";

const pod = (annotations: Readonly<Record<string, unknown>>) => ({
  metadata: { annotations },
  spec: { containers: [{ name: "app" }] },
});

function refusal(annotations: Readonly<Record<string, unknown>>): string[] {
  const result = injectPod(pod(annotations), SETTINGS);
  return result.kind === "refused" || result.kind === "malformed"
    ? result.problems.map(problemText)
    : [result.kind];
}

it("the guide lists every annotation, and no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/guide/kubernetes.md"), "utf8");
  const listed = [...page.matchAll(/^\| `weft\.dev\/([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual(Object.keys(ANNOTATIONS).sort());
});

describe("a wrong value is refused, with name, value and what is allowed", () => {
  it.each([
    ["concurrency", "0", "a whole number from 1 to 64"],
    ["concurrency", "two", "a whole number from 1 to 64"],
    ["telemetry-port", "65536", "a port from 1 to 65535"],
    ["telemetry-port", "080", "a port from 1 to 65535"],
    ["exclude-inbound-ports", "80;81", "up to 64 ports"],
    ["exclude-inbound-ports", "*", "up to 64 ports"],
    ["exclude-outbound-ip-ranges", "10.0.0.0/33", "networks such as 10.0.0.0/8"],
    ["exclude-outbound-ip-ranges", "example.com", "networks such as 10.0.0.0/8"],
    ["cpu", "fast", "a quantity such as 100m"],
    ["memory", "0", "a quantity such as 100m"],
    ["log-level", "debug", '"info" or "warn" or "error"'],
    ["drain-grace", "5", "a duration such as 500ms"],
    ["image", "a b", "the name of an image"],
    ["native-sidecar", "yes", '"true" or "false"'],
    ["inject", "enabled", '"true" or "false"'],
  ])("%s: %s", (name, value, allowed) => {
    const [said] = refusal({ [`weft.dev/${name}`]: value });
    expect(said).toContain(`weft.dev/${name} must be ${allowed}`);
    expect(said).toContain(`found "${value}"`);
  });

  it("all of them at once, and not the value of one that is no text", () => {
    expect(refusal({ "weft.dev/cpu": "x", "weft.dev/memory": "y" })).toHaveLength(2);
    expect(refusal({ "weft.dev/inject": false })).toEqual([
      'metadata.annotations["weft.dev/inject"]: must be a text, found false',
    ]);
  });
});

it("an empty list is one of nothing", () => {
  const empty = { "weft.dev/exclude-inbound-ports": "", "weft.dev/exclude-outbound-ip-ranges": " " };
  expect(injectPod(pod(empty), SETTINGS)).toMatchObject({
    kind: "injected",
    pod: {
      spec: {
        initContainers: [
          {
            name: "weft-init",
            args: expect.arrayContaining(["--exclude-inbound-ports", "", "--exclude-outbound-ip-ranges", ""]),
          },
          {},
        ],
      },
    },
  });
});

it("the mirror of a static pod stays as it is, with the reason", () => {
  const result = injectPod(pod({ "kubernetes.io/config.mirror": "0123" }), SETTINGS);
  expect(result).toMatchObject({ kind: "skipped", reason: expect.stringContaining("static pod") });
});

it("a name that nothing knows is a warning, with what was probably meant", () => {
  const result = injectPod(pod({ "weft.dev/exclude-inbound-port": "80" }), SETTINGS);
  expect(result).toMatchObject({
    kind: "injected",
    warnings: [
      'weft.dev/exclude-inbound-port means nothing to injection; did you mean "weft.dev/exclude-inbound-ports"?',
    ],
  });
});

it("the label wins over the annotation", () => {
  const { metadata, ...rest } = pod({ "weft.dev/inject": "false" });
  const value = { ...rest, metadata: { ...metadata, labels: { "weft.dev/inject": "true" } } };
  expect(injectPod(value, SETTINGS).kind).toBe("injected");
});

it("a table of probes that no program could be given is refused with the way out", () => {
  const path = `/${"x".repeat(1_000)}`;
  const containers = Array.from({ length: 150 }, (_, i) => ({
    name: `c${i}`,
    livenessProbe: { httpGet: { path, port: 80 } },
  }));
  const result = injectPod({ spec: { containers } }, SETTINGS);
  expect(result.kind === "refused" && problemText(result.problems[0]!)).toContain(
    'weft.dev/rewrite-probes: "false"',
  );
});

it("a status that somebody else has written is left alone, with a reason", () => {
  for (const status of ["", "{}", "[]", '{"version":1}']) {
    expect(injectPod(pod({ "weft.dev/status": status }), SETTINGS)).toMatchObject({
      kind: "skipped",
      reason: expect.stringContaining("weft.dev/status"),
    });
  }
});

describe("what cannot go well is warned of, or left out", () => {
  const warningsOf = (spec: object, settings: typeof SETTINGS) => {
    const result = injectPod({ spec: { containers: [{ name: "app" }], ...spec } }, settings);
    return result.kind === "injected" ? result.warnings : [result.kind];
  };
  const classic = { ...SETTINGS, form: "classic" } as const;

  it("a Job with a classic sidecar, an application with the sidecar's user", () => {
    expect(warningsOf({ restartPolicy: "Never" }, classic)).toEqual([
      "a classic sidecar does not end by itself: this pod will not complete",
    ]);
    expect(warningsOf({ restartPolicy: "Never" }, SETTINGS)).toEqual([]);
    expect(warningsOf({ securityContext: { runAsUser: 1337 } }, SETTINGS)).toEqual([
      "container app runs as user 1337, whose traffic is not taken",
    ]);
  });
  it("what asks the sidecar itself is not led back to it", () => {
    const readinessProbe = { httpGet: { path: "/healthz/ready", port: 15_020 } };
    const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "15020" };
    const result = injectPod(
      { metadata: { annotations }, spec: { containers: [{ name: "app", readinessProbe }] } },
      SETTINGS,
    );
    const text = JSON.stringify(result.kind === "injected" && result.pod);
    expect(text).not.toContain("WEFT_APP_PROBES");
    expect(text).not.toContain("WEFT_APP_METRICS");
  });
  it("a sidecar that was taken out by hand comes again", () => {
    const first = injectPod(pod({}), SETTINGS);
    if (first.kind !== "injected") throw new Error(first.kind);
    const { initContainers: _, ...spec } = first.pod.spec;
    const again = injectPod({ ...first.pod, spec }, SETTINGS);
    expect(again.kind === "injected" && again.pod.spec).toEqual(first.pod.spec);
  });
});

describe("what the containers may", () => {
  const injected = injectPod(pod({}), SETTINGS);
  const { initContainers = [] } =
    injected.kind === "injected" ? (injected.pod as unknown as AnyPod).spec : { initContainers: [] };
  const contextOf = (name: string) => initContainers.find((one) => one.name === name)?.["securityContext"];

  it("weft-init: netfilter, and nothing else", () => {
    expect(contextOf("weft-init")).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: "RuntimeDefault" },
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
      runAsNonRoot: false,
      runAsUser: 0,
      runAsGroup: 0,
    });
  });
  it("weft-sidecar: what Pod Security calls restricted", () => {
    expect(contextOf("weft-sidecar")).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: "RuntimeDefault" },
      capabilities: { drop: ["ALL"] },
      runAsNonRoot: true,
      runAsUser: 1337,
      runAsGroup: 1337,
    });
  });
});
