/** Generated pods: what comes back is what went in, whatever stood there, and what comes out is always a good pod. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { injectPod } from "../../../src/inject/inject.ts";
import { jsonPatch } from "../../../src/inject/patch.ts";
import { uninjectPod } from "../../../src/inject/uninject.ts";
import { runs } from "../../harness/runs.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { CLASSIC, SETTINGS } from "./pods.ts";
import { type AnyPod, ruleFaults } from "./schema.ts";

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[a-z0-9]$/);
const port = fc.integer({ min: 1, max: 14_999 });
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("$(POD_NAME)", "$$", "$", "yes", "~1"),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Fields in any order, absent ones left out, as an API server sends them. */
function record(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> {
  return fc
    .tuple(
      fc.record(fields),
      fc.shuffledSubarray(Object.keys(fields), { minLength: Object.keys(fields).length }),
    )
    .map(([value, order]) =>
      Object.fromEntries(order.flatMap((key) => (value[key] === undefined ? [] : [[key, value[key]]]))),
    );
}

const portOrName = fc.oneof(port, fc.constantFrom("http", "grpc", "no-such", "8080"));
const header = record({ name: fc.constantFrom("Host", "X-A"), value: text });
const httpGet = record({
  port: portOrName,
  path: optional(text),
  host: optional(fc.constantFrom("", "198.18.0.1")),
  scheme: optional(fc.constantFrom("HTTP", "HTTPS")),
  httpHeaders: optional(fc.array(header, { maxLength: 2 })),
});
const handler = fc.oneof(
  httpGet.map((value) => ["httpGet", value] as const),
  record({ port: portOrName, host: optional(fc.constant("")) }).map((value) => ["tcpSocket", value] as const),
  record({ port, service: optional(text) }).map((value) => ["grpc", value] as const),
  fc.constant(["exec", { command: ["true"] }] as const),
);
const probe = fc
  .tuple(
    handler,
    record({ periodSeconds: optional(port), timeoutSeconds: optional(fc.integer({ min: 1, max: 60 })) }),
    fc.boolean(),
  )
  .map(([[kind, value], rest, isFirst]) =>
    isFirst ? { [kind]: value, ...rest } : { ...rest, [kind]: value },
  );
const hook = fc.oneof(
  httpGet.map((value) => ({ httpGet: value })),
  fc.constant({ sleep: { seconds: 1 } }),
);

function container(name: string, isSidecar: boolean): fc.Arbitrary<object> {
  return record({
    name: fc.constant(name),
    image: text,
    ports: optional(fc.constantFrom([{ name: "http", containerPort: 8080 }, { containerPort: 9000 }], [])),
    env: optional(fc.constant([{ name: "A", value: "$(B)" }])),
    livenessProbe: optional(probe),
    readinessProbe: optional(probe),
    startupProbe: optional(probe),
    lifecycle: optional(record({ preStop: optional(hook), postStart: optional(hook) })),
    restartPolicy: isSidecar ? fc.constant("Always") : fc.constant(undefined),
    volumeMounts: optional(fc.constant([{ name: "data", mountPath: "/data" }])),
  });
}

function containers(least: number, prefix: string, isSidecar: boolean) {
  return fc
    .uniqueArray(word, { minLength: least, maxLength: 4 })
    .chain((names) => fc.tuple(...names.map((name) => container(`${prefix}${name}`, isSidecar))));
}

const annotations = fc.dictionary(
  fc.constantFrom(
    "prometheus.io/scrape",
    "prometheus.io/port",
    "prometheus.io/path",
    "a",
    "weft.dev/odd",
    "__proto__",
  ),
  fc.oneof(fc.constantFrom("true", "false", "9090", "/metrics"), text),
  { noNullPrototype: true },
);
const pod = record({
  apiVersion: fc.constant("v1"),
  kind: fc.constant("Pod"),
  metadata: fc.oneof(
    fc.constantFrom(undefined, null),
    record({
      name: optional(word),
      annotations: fc.option(annotations, { nil: null }),
      labels: optional(fc.constant({ app: "a" })),
    }),
  ),
  spec: record({
    containers: containers(1, "c-", false),
    initContainers: fc.oneof(fc.constantFrom(undefined, null), containers(0, "i-", true)),
    volumes: fc.constantFrom(undefined, null, [], [{ name: "data", emptyDir: {} }]),
    terminationGracePeriodSeconds: optional(fc.integer({ min: 0, max: 3_600 })),
    nodeName: optional(word),
  }),
});

it.each([SETTINGS, CLASSIC])("$form: uninject(inject(pod)) is pod", (settings) => {
  fc.assert(
    fc.property(pod, (value) => {
      const result = injectPod(value, settings);
      if (result.kind !== "injected") throw new Error(JSON.stringify(result));
      const wire: unknown = JSON.parse(JSON.stringify(result.pod));
      expect(ruleFaults(wire as AnyPod)).toEqual([]);
      expect(applyJsonPatch(value, jsonPatch(result.patch))).toEqual(wire);
      expect(injectPod(wire, settings).kind).toBe("unchanged");
      const back = uninjectPod(wire);
      expect(back.kind === "restored" && JSON.stringify(back.pod)).toBe(JSON.stringify(value));
    }),
    runs(150),
  );
});

it("any value is answered, and none throws", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        pod,
        fc.tuple(pod, fc.jsonValue()).map(([p, j]) => ({ ...p, spec: j })),
      ),
      (value) => {
        expect(["injected", "unchanged", "skipped", "refused", "malformed"]).toContain(
          injectPod(value, SETTINGS).kind,
        );
        uninjectPod(value);
      },
    ),
    runs(300),
  );
});
