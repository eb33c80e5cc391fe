import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EndpointResource } from "../../discovery/messages.ts";
import type { Change, ToLoop } from "./loop-protocol.ts";
import { inOrder, MAX_STEP_ENDPOINTS, steps, Transfer } from "./transfer.ts";

function endpoint(port: number): EndpointResource {
  return {
    address: "127.0.0.1",
    port,
    weight: 1,
    workload: `w${port}`,
    namespace: "default",
    serviceAccount: "default",
    app: "w",
    version: "v1",
  };
}

function endpoints(name: string, count: number): Change {
  return {
    kind: "endpoints",
    name,
    endpoints: Array.from({ length: count }, (_, i) => endpoint(i)),
    complete: true,
  };
}

describe("steps", () => {
  it("cuts 5,000 endpoints into 25 steps, the last one complete", () => {
    const all = [...steps([endpoints("a.default:80", 5_000)])];
    expect(all).toHaveLength(25);
    expect(all.map((step) => step.map((c) => c.kind === "endpoints" && c.complete))).toEqual([
      ...Array.from({ length: 24 }, () => [false]),
      [true],
    ]);
  });

  it("puts twenty small resources into one step and the next one into another", () => {
    const removed: Change = { kind: "route-removed", name: "a.default:80" };
    const small = Array.from({ length: 21 }, (_, i) => endpoints(`s${i}.default:80`, 10));
    expect([...steps([...small, removed])].map((step) => step.length)).toEqual([20, 2]);
  });

  it("keeps every endpoint, once and in order, whatever the sizes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(900), { maxLength: 20 }), (sizes) => {
        const changes = sizes.map((size, i) => endpoints(`s${i}`, size));
        const got = new Map<string, number[]>();
        for (const step of steps(changes)) {
          let count = 0;
          for (const part of step) {
            if (part.kind !== "endpoints") throw new Error("unexpected");
            count += part.endpoints.length;
            got.set(part.name, [...(got.get(part.name) ?? []), ...part.endpoints.map((e) => e.port)]);
          }
          expect(count).toBeLessThanOrEqual(MAX_STEP_ENDPOINTS);
        }
        sizes.forEach((size, i) => {
          expect(got.get(`s${i}`)).toEqual(Array.from({ length: size }, (_, port) => port));
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe("inOrder", () => {
  it("adds from cluster to route and removes from route to cluster", () => {
    const kinds = inOrder([
      { kind: "cluster-removed", name: "x" },
      { kind: "route-removed", name: "x" },
      { kind: "endpoints-removed", name: "x" },
      { kind: "health", name: "y", unhealthy: [] },
      endpoints("y", 1),
    ]).map((change) => change.kind);
    expect(kinds).toEqual(["endpoints", "health", "route-removed", "endpoints-removed", "cluster-removed"]);
  });
});

describe("Transfer", () => {
  function recorder(): { posted: ToLoop[]; post(message: ToLoop): void } {
    const posted: ToLoop[] = [];
    return { posted, post: (message) => posted.push(message) };
  }
  const idOf = (message: ToLoop | undefined): number => (message?.kind === "update" ? message.id : -1);

  it("has one step outstanding per loop and resolves when all have confirmed all", async () => {
    const [a, b] = [recorder(), recorder()];
    const transfer = new Transfer([a, b]);
    let done = false;
    const sent = transfer.send([endpoints("s", 450)]).then(() => {
      done = true;
    });
    await Promise.resolve();
    expect([a.posted.length, b.posted.length]).toEqual([1, 1]);
    transfer.confirmed(0, 999);
    expect(a.posted).toHaveLength(1);
    for (let i = 0; i < 3; i++) transfer.confirmed(0, idOf(a.posted[i]));
    expect([a.posted.length, b.posted.length]).toEqual([3, 1]);
    await Promise.resolve();
    expect(done).toBe(false);
    for (let i = 0; i < 3; i++) transfer.confirmed(1, idOf(b.posted[i]));
    await sent;
    expect(done).toBe(true);
  });

  it("starts the next batch only after the last", async () => {
    const a = recorder();
    const transfer = new Transfer([a]);
    const first = transfer.send([endpoints("s", 1)]);
    const second = transfer.send([endpoints("t", 1)]);
    await Promise.resolve();
    expect(a.posted).toHaveLength(1);
    transfer.confirmed(0, idOf(a.posted[0]));
    await first;
    await Promise.resolve();
    expect(a.posted).toHaveLength(2);
    transfer.confirmed(0, idOf(a.posted[1]));
    await second;
  });
});
