import { describe, expect, it } from "vitest";
import { chiSquareP } from "../../../test/harness/chi-square.ts";
import { requestHead } from "../../../test/harness/head.ts";
import { seededRandom } from "../../../test/harness/random.ts";
import type { Fault } from "../../discovery/faults.ts";
import { Faults } from "./faults.ts";

const WEB = {
  workload: "web-1",
  namespace: "default",
  app: "web",
  version: "v1",
  principal: "spiffe://cluster.local/ns/default/sa/web",
};
const HEAD = requestHead("GET /a HTTP/1.1", "Host: shop");
const RESET = { kind: "reset" } as const;
const always = () => 0;

function drawn(faults: readonly Omit<Fault, "source">[], random: () => number, local = WEB) {
  const named = faults.map((fault, i) => ({ source: `fault ${i}`, ...fault }));
  return new Faults(named).draw(HEAD, local, random);
}

it("nothing befalls a try for which nothing holds", () => {
  expect(drawn([], always)).toBeNull();
  expect(drawn([{ share: 0, abort: RESET }], always)).toBeNull();
  expect(drawn([{ matches: [{ method: "POST" }], abort: RESET }], always)).toBeNull();
  expect(drawn([{ matches: [], abort: RESET }], always)).toBeNull();
  expect(drawn([{}], always)).toBeNull();
});

it("delays add up, the slowest body holds, the first abort ends and names itself", () => {
  const fixed = (ms: number) => ({ minMs: ms, maxMs: ms });
  const slow = [
    { delay: fixed(10), bytesPerSecond: 50 },
    { delay: fixed(5), bytesPerSecond: 20 },
    { bytesPerSecond: 80 },
  ];
  expect(drawn(slow, always)).toEqual({ delayMs: 15, abort: null, bytesPerSecond: 20, source: "" });
  const ended = [...slow, { delay: fixed(1), abort: RESET }, { delay: fixed(100) }];
  expect(drawn(ended, always)).toEqual({ delayMs: 16, abort: RESET, bytesPerSecond: 0, source: "fault 3" });
});

it("a fault that always holds takes no random number, so that others stay what they are", () => {
  let count = 0;
  const counting = () => {
    count++;
    return 0;
  };
  drawn([{ delay: { minMs: 5, maxMs: 5 } }, { abort: RESET }], counting);
  expect(count).toBe(0);
});

describe("by chance", () => {
  it("shares are each their own", () => {
    const random = seededRandom(11);
    const faults = new Faults([
      { source: "a", share: 0.3, delay: { minMs: 1, maxMs: 1 } },
      { source: "b", share: 0.1, abort: RESET },
    ]);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      const injection = faults.draw(HEAD, WEB, random);
      const index = (injection?.delayMs === 1 ? 2 : 0) + (injection?.abort === RESET ? 1 : 0);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    expect(chiSquareP(counts, [63, 7, 27, 3])).toBeGreaterThan(0.001);
  });

  it("random delays lie evenly between their ends", () => {
    const random = seededRandom(12);
    const faults = new Faults([{ source: "a", delay: { minMs: 100, maxMs: 300 } }]);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4_000; i++) {
      const ms = faults.draw(HEAD, WEB, random)?.delayMs ?? 0;
      const index = Math.floor((ms - 100) / 50);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    expect(counts).toHaveLength(4);
    expect(chiSquareP(counts, [1, 1, 1, 1])).toBeGreaterThan(0.001);
  });
});

it("whom it concerns follows who the sidecar speaks for", () => {
  const faults = new Faults([
    { source: "a", from: [{ principals: ["*/sa/web"] }, { namespaces: ["batch*"] }], abort: RESET },
  ]);
  const isHit = (local: typeof WEB) => faults.draw(HEAD, local, always) !== null;
  expect(isHit(WEB)).toBe(true);
  expect(isHit({ ...WEB, principal: "unknown" })).toBe(false);
  expect(isHit({ ...WEB, principal: "unknown", namespace: "batches" })).toBe(true);
  expect(isHit(WEB)).toBe(true);
  expect(drawn([{ from: [{ notPrincipals: ["*"] }], abort: RESET }], always)).toBeNull();
});

it("what can't be compiled is refused", () => {
  const path = { kind: "regex", value: "(" } as const;
  expect(() => new Faults([{ source: "a", matches: [{ path }] }])).toThrow(SyntaxError);
  const abort = JSON.parse('{ "kind": "explode" }');
  expect(() => new Faults([{ source: "a", abort }])).toThrow("unknown abort");
});
