/** What holds of every injection, whatever the pod. */
import { describe, expect, it } from "vitest";
import { injectPod } from "../../../src/inject/inject.ts";
import { jsonPatch } from "../../../src/inject/patch.ts";
import { uninjectPod } from "../../../src/inject/uninject.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { allPods, CLASSIC, FIXTURES, SETTINGS } from "./pods.ts";
import { type AnyPod, ruleFaults, schemaFaults } from "./schema.ts";

const SKIPPED: Readonly<Record<string, RegExp>> = {
  "daemonset-host-network": /^hostNetwork is true/,
  "pod-opted-out": /^weft\.dev\/inject is "false"/,
  "pod-opted-out-by-label": /^weft\.dev\/inject is "false"/,
  "pod-windows": /Windows/,
  "pod-windows-node": /Windows/,
  "pod-istio": /istio-proxy/,
  "pod-system-namespace": /kube-system/,
  "pod-port-taken": /weft\.dev\/telemetry-port/,
};
const pods = allPods();
const eligible = pods.filter(({ label }) => !(label in SKIPPED));

it("there are fixtures enough", () => {
  expect(FIXTURES.length).toBeGreaterThanOrEqual(25);
});

it.each(pods.filter(({ label }) => label in SKIPPED))("$label: skipped, with the reason", (pod) => {
  const { value, namespace, label } = pod;
  const result = injectPod(value, SETTINGS, namespace === undefined ? {} : { namespace });
  expect(result).toMatchObject({ kind: "skipped", reason: expect.stringMatching(SKIPPED[label]!) });
});

describe.each([SETTINGS, CLASSIC])("$form", (settings) => {
  function inject(value: unknown, with_ = settings) {
    const result = injectPod(value, with_);
    if (result.kind !== "injected") throw new Error(`${result.kind}: ${JSON.stringify(result)}`);
    return { ...result, pod: result.pod as unknown as AnyPod };
  }
  const sidecars = ({ spec }: AnyPod) =>
    [...(spec.initContainers ?? []), ...spec.containers].filter(({ name }) => name === "weft-sidecar");

  it.each(eligible)("$label: a valid pod with exactly one sidecar", ({ value }) => {
    const { pod } = inject(value);
    expect(sidecars(pod)).toHaveLength(1);
    expect(pod.spec.initContainers?.filter(({ name }) => name === "weft-init")).toHaveLength(1);
    const whole = { apiVersion: "v1", kind: "Pod", ...pod };
    expect([...schemaFaults(whole, "V1Pod"), ...ruleFaults(pod)]).toEqual([]);
  });

  it.each(eligible)("$label: injected twice is injected once", ({ value }) => {
    expect(injectPod(inject(value).pod, settings)).toMatchObject({ kind: "unchanged" });
  });

  it.each(eligible)("$label: the patch is the difference", ({ value }) => {
    const { pod, patch } = inject(value);
    expect(applyJsonPatch(value, jsonPatch(patch))).toEqual(pod);
  });

  it.each(eligible)("$label: uninject gives the original, field by field in its order", ({ value }) => {
    const { pod } = inject(value);
    const back = uninjectPod(pod);
    if (back.kind !== "restored") throw new Error(back.kind);
    expect(JSON.stringify(back.pod)).toBe(JSON.stringify(value));
    expect(applyJsonPatch(pod, jsonPatch(back.patch))).toEqual(value);
    expect(uninjectPod(back.pod)).toEqual({ kind: "unchanged" });
  });

  it.each(eligible)("$label: containers change in probes and hooks alone", ({ value }) => {
    const { spec } = inject(value).pod;
    const bare = (list: AnyPod["spec"]["containers"] = []) =>
      list
        .filter(({ name }) => !name.startsWith("weft-"))
        .map(({ livenessProbe: _l, readinessProbe: _r, startupProbe: _s, lifecycle: _c, ...rest }) => rest);
    const original = (value as AnyPod).spec;
    expect(bare(spec.containers)).toEqual(bare(original.containers));
    expect(bare(spec.initContainers)).toEqual(bare(original.initContainers));
  });

  it.each(eligible)("$label: another version takes its place, once", ({ value }) => {
    const { pod } = inject(value);
    const newer = { ...settings, version: "1.3.0", image: "weft:1.3.0" };
    const replaced = inject(pod, newer);
    expect(replaced.replaced).toBe("1.2.3");
    expect(replaced.pod).toEqual(inject(value, newer).pod);
  });

  it.each(eligible)("$label: nothing is changed of what comes in", ({ value }) => {
    const before = structuredClone(value);
    inject(value);
    expect(value).toEqual(before);
  });
});
