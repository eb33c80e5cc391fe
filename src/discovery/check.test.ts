import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readUpstreamMessage } from "./check.ts";

const LIMIT = 1_000_000;
const read = (value: unknown) => readUpstreamMessage(Buffer.from(JSON.stringify(value)), LIMIT);

const node = {
  id: "default/web",
  namespace: "default",
  workload: "web",
  serviceAccount: "default",
  labels: { app: "web" },
  address: "127.0.0.1",
  ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
  version: "1",
};
const request = { node, type: "route", subscribe: ["a"], initialVersions: { a: "1" } };
const destination = {
  reporter: "source",
  cluster: "a",
  service: { name: "a", namespace: "default" },
  workload: "a-1",
  version: "v1",
  requests: 1,
  failures: 0,
  active: 0,
  latency: [[3, 1]],
};
const demand = { limit: "default/l/0", demand: 1.5, level: 0, returned: 2, flow: 10, isLent: true };
const report = { intervalMs: 1_000, destinations: [destination] };

describe("what sidecars say", () => {
  const said = [
    { kind: "discovery", request },
    { kind: "discovery", request: { type: "cluster", nonce: "1" } },
    {
      kind: "discovery",
      request: { type: "cluster", nonce: "1", errors: [{ code: "invalid", message: "no" }] },
    },
    { kind: "discovery", request: { type: "cluster", node: { ...node, service: "web", registers: true } } },
    { kind: "leaving" },
    { kind: "load", report },
    {
      kind: "demand",
      report: { part: 0, demands: [demand, { ...demand, key: "k" }], dropped: ["default/a/0"] },
    },
  ];
  for (const message of said) {
    it(JSON.stringify(message).slice(0, 60), () => expect(read(message)).toEqual({ ok: true, message }));
  }
});

describe("what is refused, and where it is wrong", () => {
  const wrong: readonly (readonly [reason: RegExp, message: unknown])[] = [
    [/not an object/, 1],
    [/not an object/, []],
    [/not an object/, null],
    [/^kind/, {}],
    [/^kind/, { kind: "__proto__" }],
    [
      /^request\.node\.registers/,
      { kind: "discovery", request: { ...request, node: { ...node, registers: "yes" } } },
    ],
    [/^request: /, { kind: "discovery" }],
    [/^request: /, { kind: "discovery", request: [] }],
    [/^request\.type/, { kind: "discovery", request: { type: "toString" } }],
    [/^request\.subscribe/, { kind: "discovery", request: { ...request, subscribe: "a" } }],
    [/^request\.subscribe/, { kind: "discovery", request: { ...request, subscribe: [1] } }],
    [/^request\.subscribe/, { kind: "discovery", request: { ...request, subscribe: ["a".repeat(513)] } }],
    [/^request\.unsubscribe/, { kind: "discovery", request: { ...request, unsubscribe: {} } }],
    [/^request\.initialVersions/, { kind: "discovery", request: { ...request, initialVersions: { a: 1 } } }],
    [/^request\.initialVersions/, { kind: "discovery", request: { ...request, initialVersions: [] } }],
    [/^request\.nonce/, { kind: "discovery", request: { ...request, nonce: 1 } }],
    [/^request\.errors/, { kind: "discovery", request: { ...request, errors: [{ code: 1, message: "" }] } }],
    [/^request\.node\.id: empty/, { kind: "discovery", request: { ...request, node: { ...node, id: "" } } }],
    [
      /^request\.node\.labels/,
      { kind: "discovery", request: { ...request, node: { ...node, labels: { a: {} } } } },
    ],
    [
      /^request\.node\.ports/,
      { kind: "discovery", request: { ...request, node: { ...node, ports: { inbound: -1 } } } },
    ],
    [/^report\.intervalMs/, { kind: "load", report: { ...report, intervalMs: "1" } }],
    [
      /^report\.destinations/,
      { kind: "load", report: { ...report, destinations: [{ ...destination, latency: [[1]] }] } },
    ],
    [/^report\.intervalMs/, { kind: "load" }],
    [/^report: malformed demand/, { kind: "demand" }],
    ...[
      { part: -1 },
      { part: 0.5 },
      { demands: {} },
      { demands: [{ ...demand, demand: -1 }] },
      { demands: [{ ...demand, returned: null }] },
      { demands: [{ ...demand, level: 1e300 }] },
      { demands: [{ ...demand, flow: "1" }] },
      { demands: [{ ...demand, isLent: 1 }] },
      { demands: [{ ...demand, key: "k".repeat(65) }] },
      { demands: [{ ...demand, limit: 7 }] },
      { dropped: Array.from({ length: 20_001 }, () => "a") },
      { dropped: [1] },
    ].map(
      (change) =>
        [
          /^report: malformed demand/,
          { kind: "demand", report: { part: 0, demands: [], dropped: [], ...change } },
        ] as const,
    ),
  ];
  for (const [reason, message] of wrong) {
    it(JSON.stringify(message).slice(0, 70), () => {
      expect(read(message)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
    });
  }

  for (const field of Object.keys(node)) {
    it(`a node whose ${field} is of another type`, () => {
      const answer = read({ kind: "discovery", request: { ...request, node: { ...node, [field]: 1 } } });
      expect(answer).toEqual({ ok: false, reason: expect.stringContaining(`request.node.${field}`) });
    });
  }

  it("too many bytes, before they are parsed", () => {
    const bytes = Buffer.alloc(11, "[");
    expect(readUpstreamMessage(bytes, 10)).toEqual({
      ok: false,
      reason: expect.stringContaining("11 bytes"),
    });
  });

  it("nesting beyond sense", () => {
    const deep = `{"kind":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(readUpstreamMessage(Buffer.from(deep), LIMIT).ok).toBe(false);
  });
});

describe("whatever comes", () => {
  it("bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readUpstreamMessage(bytes, LIMIT)),
    );
  });

  it("JSON in any place of a right message never throws, and what is taken has names where names belong", () => {
    const keys = fc.constantFrom(
      ...Object.keys(request),
      ...Object.keys(node),
      "kind",
      "errors",
      "__proto__",
    );
    fc.assert(
      fc.property(keys, fc.jsonValue({ maxDepth: 4 }), fc.boolean(), (key, value, isInNode) => {
        const changed = isInNode
          ? { ...request, node: { ...node, [key]: value } }
          : { ...request, [key]: value };
        const answer = read({ kind: "discovery", request: changed });
        if (!answer.ok || answer.message.kind !== "discovery") return;
        const taken = answer.message.request;
        for (const name of [...(taken.subscribe ?? []), ...Object.values(taken.initialVersions ?? {})]) {
          expect(typeof name).toBe("string");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
