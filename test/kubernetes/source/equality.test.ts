/** After any sequence of changes, breaks and compactions, what the source holds is what the API server holds. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesSource } from "../../../src/control-plane/source/kubernetes/source.ts";
import { runs } from "../../harness/runs.ts";
import type { ApiServer } from "./api-server.ts";
import { newCluster, PODS, pathOf, pod, SLICES, service, slice } from "./cluster.ts";
import { openSource, until } from "./harness.ts";

const SERVICES = pathOf("Service");
const number = fc.nat(7);

type Step =
  | { readonly kind: "service" | "pod" | "slice"; readonly n: number; readonly value: number }
  | { readonly kind: "remove"; readonly of: 0 | 1 | 2; readonly n: number }
  | { readonly kind: "break"; readonly how: "end" | "reset" | "midline" }
  | { readonly kind: "compact"; readonly expiry: "status" | "event" }
  | { readonly kind: "garbage" | "bookmark" | "leave" | "return" | "breathe" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom("service", "pod", "slice"), n: number, value: number }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("remove"), of: fc.constantFrom(0, 1, 2), n: number }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("break"), how: fc.constantFrom("end", "reset", "midline") }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("compact"), expiry: fc.constantFrom("status", "event") }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("garbage", "bookmark", "leave", "return", "breathe") }),
  },
) as fc.Arbitrary<Step>;

const KEYS = [
  (n: number) => [SERVICES, `default/s${n}`] as const,
  (n: number) => [PODS, `default/p${n}`] as const,
  (n: number) => [SLICES, `default/s${n}-abc`] as const,
];

async function take(server: ApiServer, s: Step): Promise<void> {
  switch (s.kind) {
    case "service":
      server.put(SERVICES, service(`s${s.n}`, "default", [{ name: "http", port: 80 + s.value }]));
      break;
    case "pod":
      server.put(PODS, pod({ name: `p${s.n}`, ip: `10.0.${s.value}.${s.n}`, app: `s${s.value % 3}` }));
      break;
    case "slice": {
      const members = Array.from({ length: s.value }, (_, i) => ({
        ip: `10.1.0.${i}`,
        pod: `p${i}`,
        ready: i % 2 === 0,
      }));
      server.put(SLICES, slice(`s${s.n}`, members));
      break;
    }
    case "remove":
      server.remove(...(KEYS[s.of] as (n: number) => readonly [string, string])(s.n));
      break;
    case "break":
      server.disconnect(s.how);
      break;
    case "compact":
      server.expiry = s.expiry;
      server.compact();
      break;
    case "garbage":
      server.inject(SERVICES, "\u0000{]\n");
      break;
    case "bookmark":
      server.bookmark();
      break;
    case "leave":
      server.leave();
      break;
    case "return":
      server.comeBack();
      break;
    case "breathe":
      await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** What there is, as far as it matters, of both sides. */
function held(source: KubernetesSource): string {
  source.rescan();
  const resources = source.state.resources.map(({ kind, metadata, spec }) => [
    kind,
    metadata.name,
    "ports" in spec && spec.ports,
  ]);
  const pods = Array.from({ length: 8 }, (_, n) => source.instances.get(`default/p${n}`)?.spec.address);
  const served = Array.from({ length: 8 }, (_, n) =>
    source.instances
      .at(`default/s${n}`, { name: "http", port: 80 })
      .map(({ address, workload }) => [address, workload.spec.address])
      .sort(),
  );
  return JSON.stringify([resources.map((r) => JSON.stringify(r)).sort(), pods, served]);
}

describe("the Kubernetes source", () => {
  it("holds what the API server holds, whatever happened on the way", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const server = newCluster();
        await server.listen();
        const { source } = openSource(server);
        try {
          await source.synced;
          for (const s of steps) await take(server, s);
          server.comeBack();
          // What a source has that begins only now.
          const { source: fresh } = openSource(server);
          try {
            await fresh.synced;
            const expected = held(fresh);
            if (!(await until(() => held(source) === expected))) expect(held(source)).toBe(expected);
          } finally {
            fresh.close();
          }
        } finally {
          source.close();
          await server.close();
        }
      }),
      runs(40),
    );
  });
});
