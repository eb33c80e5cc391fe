/** Whatever happens in whatever order: nobody is forgotten, nobody is asked twice at once, and the loops know what is true. */
import fc from "fast-check";
import { it } from "vitest";
import { virtualPace } from "../../../test/harness/virtual-pace.ts";
import { clusterOf, endpointAt, GET, TCP } from "../../../test/health/ask.ts";
import { endpointKey } from "../clusters/endpoint.ts";
import type { Change } from "../snapshot/loop-protocol.ts";
import { HealthMonitor, MAX_PROBES } from "./monitor.ts";
import type { Outcome } from "./probe.ts";

const CLUSTERS = ["a", "b"] as const;
const OUTCOMES: readonly Outcome[] = [
  { kind: "pass" },
  { kind: "fail", reason: "x" },
  { kind: "unknown", reason: "y" },
];

const step = fc.oneof(
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
  fc.record({
    // `late`: to any question that ever was.
    do: fc.constantFrom("answer" as const, "late" as const),
    index: fc.nat(200),
    outcome: fc.constantFrom(...OUTCOMES),
  }),
  fc.record({
    do: fc.constant("endpoints" as const),
    name: fc.constantFrom(...CLUSTERS),
    from: fc.nat(100),
    count: fc.nat(120),
  }),
  fc.record({
    do: fc.constant("cluster" as const),
    name: fc.constantFrom(...CLUSTERS),
    probe: fc.constantFrom(GET, TCP, null),
    intervalMs: fc.constantFrom(1_000, 3_000),
    unhealthyThreshold: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant("remove" as const), name: fc.constantFrom(...CLUSTERS) }),
);

it("every endpoint of a checked cluster is asked, waits for its time or for room, and the loops agree", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const pace = virtualPace(() => 0.5);
      const open = new Map<object, { readonly key: string; answer(outcome: Outcome): void }>();
      const past: ((outcome: Outcome) => void)[] = [];
      /** What the loops hold: endpoints that are there and marked. */
      const loops = new Map<string, ReadonlySet<string>>();
      const present = new Map<string, readonly string[]>();
      const check = (holds: boolean, what: string) => {
        if (!holds) throw new Error(what);
      };
      const monitor = new HealthMonitor({
        pace,
        makeProbe: (cluster) => (target, done) => {
          const one = { key: `${cluster.name} ${endpointKey(target.endpoint)}`, answer: done };
          check(![...open.values()].some(({ key }) => key === one.key), `asked twice: ${one.key}`);
          open.set(one, one);
          past.push(done);
          check(open.size <= MAX_PROBES, "too many at once");
          return () => open.delete(one);
        },
        send: async (changes) => {
          for (const change of changes)
            if (change.kind === "health") loops.set(change.name, new Set(change.unhealthy));
        },
        onVerdict: () => {},
      });
      const apply = (change: Change) => monitor.applied([change]);
      for (const one of steps) {
        switch (one.do) {
          case "wait":
            pace.advance(one.ms);
            break;
          case "answer":
            [...open.values()][one.index % Math.max(1, open.size)]?.answer(one.outcome);
            break;
          case "late":
            past[one.index % Math.max(1, past.length)]?.(one.outcome);
            break;
          case "endpoints": {
            const endpoints = Array.from({ length: one.count }, (_, i) => endpointAt(1 + one.from + i));
            apply({ kind: "endpoints", name: one.name, endpoints, complete: true });
            if (present.has(one.name)) present.set(one.name, endpoints.map(endpointKey));
            break;
          }
          case "cluster": {
            const { probe, intervalMs, unhealthyThreshold, name } = one;
            const { healthCheck, ...plain } = { ...clusterOf(probe ?? GET), name };
            const checked = { ...plain, healthCheck: { ...healthCheck, intervalMs, unhealthyThreshold } };
            apply({ kind: "cluster", resource: probe === null ? plain : checked });
            if (!present.has(name)) present.set(name, []);
            break;
          }
          case "remove":
            apply({ kind: "cluster-removed", name: one.name });
            present.delete(one.name);
            loops.delete(one.name);
        }
        for (let i = 0; i < 4; i++) await Promise.resolve();
        for (const name of CLUSTERS) {
          const known = [...monitor.clusters()].find(([cluster]) => cluster === name)?.[1].unhealthy() ?? [];
          const held = [...(loops.get(name) ?? [])];
          check(held.length === known.length && known.every((key) => held.includes(key)), `loops of ${name}`);
        }
      }
      // All that is there is asked again within the longest interval, once everything has room.
      const asked = new Set<string>();
      for (let i = 0; i < 20; i++) {
        for (const { key, answer } of [...open.values()]) {
          asked.add(key);
          answer({ kind: "pass" });
        }
        pace.advance(500);
      }
      const wanted = [...monitor.clusters()].flatMap(([name]) =>
        (present.get(name) ?? []).map((key) => `${name} ${key}`),
      );
      for (const key of wanted) check(asked.has(key), `forgotten: ${key}`);
      check(
        [...asked].every((key) => wanted.includes(key)),
        "one that is gone was asked",
      );
      monitor.close();
      check(open.size === 0 && pace.waiting === 0, "something is left");
    }),
    { numRuns: 150 },
  );
});
