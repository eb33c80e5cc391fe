/** What is kept of objects, and that nothing an API server could send breaks the reading. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../../test/harness/runs.ts";
import { KINDS } from "../../../resources/resource.ts";
import { decodeSlice } from "./endpoint-slice.ts";
import { keyOf } from "./object.ts";
import { decodePod, isSamePod } from "./pod.ts";
import { decodeResource, isOfMesh } from "./resource-record.ts";

const POD = {
  metadata: { name: "a", namespace: "n", labels: { app: "a" }, annotations: { "weft.dev/injected": "true" } },
  spec: {
    serviceAccountName: "sa",
    initContainers: [{ restartPolicy: "Always", ports: [{ name: "metrics", containerPort: 15_020 }] }],
    containers: [
      {
        ports: [
          { name: "http", containerPort: 8080 },
          { containerPort: 9 },
          { name: "dns", containerPort: 53, protocol: "UDP" },
        ],
      },
    ],
  },
  status: { phase: "Running", podIP: "10.0.0.1" },
};

describe("a pod", () => {
  it("is what the compiler calls a workload", () => {
    expect(decodePod(POD, "n/a", "7")).toEqual({
      version: "7",
      metadata: { name: "a", namespace: "n", labels: { app: "a" } },
      spec: {
        address: "10.0.0.1",
        ports: { metrics: 15_020, http: 8080 },
        intercepted: true,
        takenPorts: { except: [15_020] },
        serviceAccount: "sa",
        zone: undefined,
      },
    });
  });

  it.each([
    ["has ended", { ...POD, status: { phase: "Succeeded", podIP: "10.0.0.1" } }],
    ["has no address yet", { ...POD, status: { phase: "Pending" } }],
  ])("is not kept where it %s", (_why, object) => {
    expect(decodePod(object, "n/a", "7")).toBeUndefined();
  });

  it("has a sidecar where its label or annotation says true, and nothing else", () => {
    const spec = (labels: object, annotations: object) =>
      decodePod({ ...POD, metadata: { name: "a", namespace: "n", labels, annotations } }, "n/a", "1")?.spec;
    expect(spec({ "weft.dev/injected": "true" }, {})).toMatchObject({ intercepted: true });
    for (const annotations of [{ "weft.dev/injected": "false" }, {}]) {
      expect(spec({}, annotations)).toMatchObject({ inboundPort: 0 });
      expect(spec({}, annotations)).not.toHaveProperty("intercepted");
    }
  });

  it("says which of its ports the sidecar takes", () => {
    const taken = (annotations: object) => {
      const all = { "weft.dev/injected": "true", ...annotations };
      return decodePod({ ...POD, metadata: { ...POD.metadata, annotations: all } }, "n/a", "1")?.spec
        .takenPorts;
    };
    expect(taken({ "weft.dev/exclude-inbound-ports": "9090,22" })).toEqual({ except: [15_020, 9_090, 22] });
    expect(taken({ "weft.dev/include-inbound-ports": "8080", "weft.dev/telemetry-port": "16020" })).toEqual({
      only: [8_080],
      except: [16_020],
    });
    // Where the sidecar itself listens is nobody's business: others come to the application's ports.
    expect(taken({ "weft.dev/inbound-port": "16006" })).toEqual({ except: [15_020] });
  });

  it("is the same whatever its version", () => {
    const [a, b] = ["1", "2"].map((version) => decodePod(POD, "n/a", version));
    expect(a !== undefined && b !== undefined && isSamePod(a, b)).toBe(true);
  });
});

describe("an EndpointSlice", () => {
  const SLICE = {
    metadata: { name: "s-1", namespace: "n", labels: { "kubernetes.io/service-name": "s" } },
    addressType: "IPv4",
    endpoints: [
      { addresses: ["10.0.0.1"], conditions: {}, targetRef: { kind: "Pod", name: "a" }, zone: "z" },
      { addresses: ["10.0.0.2"], conditions: { ready: false } },
      { addresses: [] },
    ],
    ports: [
      { name: null, port: 80 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  };

  it("keeps who is there, ready or not", () => {
    expect(decodeSlice(SLICE, "n/s-1", "7")).toEqual({
      version: "7",
      service: "n/s",
      name: "s-1",
      isIpv6: false,
      ports: { "": 80 },
      endpoints: [
        { address: "10.0.0.1", pod: "n/a", zone: "z", isReady: true, isDraining: false },
        { address: "10.0.0.2", pod: undefined, zone: undefined, isReady: false, isDraining: false },
      ],
    });
  });

  it("is nothing without a Service, or of names instead of addresses", () => {
    expect(decodeSlice({ ...SLICE, metadata: { name: "s", namespace: "n" } }, "n/s", "1")).toBeUndefined();
    expect(decodeSlice({ ...SLICE, addressType: "FQDN" }, "n/s", "1")).toBeUndefined();
  });
});

it("never throws, whatever comes", () => {
  const json = fc.jsonValue();
  const some = (value: unknown) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: json });
  const object = fc.record({
    metadata: fc.oneof(
      json,
      fc.record({
        name: some("a"),
        namespace: some("n"),
        labels: some({ "kubernetes.io/service-name": "s" }),
      }),
    ),
    spec: fc.oneof(
      json,
      fc.record({
        containers: some([{ ports: [{ name: "a", containerPort: 1 }] }]),
        parentRefs: json,
        ports: json,
      }),
    ),
    status: fc.oneof(json, fc.record({ podIP: some("10.0.0.1"), phase: json })),
    addressType: some("IPv4"),
    endpoints: fc.oneof(
      json,
      fc.array(fc.record({ addresses: json, conditions: json, targetRef: json, zone: json })),
    ),
    ports: json,
  });
  fc.assert(
    fc.property(object, fc.constantFrom(...KINDS), (any, kind) => {
      keyOf(any);
      decodePod(any, "n/a", "1");
      decodeSlice(any, "n/a", "1");
      isOfMesh(kind, any);
      decodeResource(kind, any, "n/a", "1", undefined);
    }),
    runs(500),
  );
});
