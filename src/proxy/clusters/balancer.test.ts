/** The common suite of all balancers, then what is each one's own. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chiSquareP } from "../../../test/harness/chi-square.ts";
import { seededRandom } from "../../../test/harness/random.ts";
import { runs } from "../../../test/harness/runs.ts";
import type { LoadBalancerPolicy } from "../../discovery/messages.ts";
import { type Balancer, makeBalancer, type Random } from "./balancer.ts";
import { hashOf, MAX_PLACES } from "./hash.ts";
import { Latency } from "./latency.ts";

const POLICIES: readonly LoadBalancerPolicy[] = ["leastRequest", "roundRobin", "random", "peakEwma"];

interface Instance {
  active: number;
  weight: number;
}

/** Over these objects themselves, which tests load. */
function make(
  policy: LoadBalancerPolicy,
  instances: readonly Instance[],
  random: Random,
  now: () => number = () => 0,
): Balancer {
  const candidates = instances.map((instance, i) =>
    Object.assign(instance, { key: `10.0.0.${i}:80 w${i}`, latency: new Latency() }),
  );
  return makeBalancer(policy, candidates, random, now);
}

const idle = (weights: readonly number[]): Instance[] => weights.map((weight) => ({ active: 0, weight }));

function count(balancer: Balancer, size: number, picks: number): number[] {
  const counts = new Array<number>(size).fill(0);
  for (let i = 0; i < picks; i++) counts[balancer.pick()]!++;
  return counts;
}

describe.each(POLICIES)("%s", (policy) => {
  it("has nobody to pick among none, or among weights of zero", () => {
    for (const weights of [[], [0], [0, 0]])
      expect(make(policy, idle(weights), seededRandom(1)).pick()).toBe(-1);
  });

  it("picks an endpoint with a weight over zero, whatever the weights, the load and the random numbers", () => {
    const weight = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000 }));
    const instances = fc.array(fc.record({ active: fc.nat(50), weight }), { minLength: 1, maxLength: 20 });
    const random = fc.infiniteStream(
      fc.oneof(
        fc.constantFrom(0, 1 - 2 ** -53),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      ),
    );
    fc.assert(
      fc.property(instances, random, (instances, random) => {
        const balancer = make(policy, instances, () => random.next().value);
        for (let i = 0; i < 20; i++) {
          const picked = balancer.pick();
          if (instances.every((instance) => instance.weight === 0)) expect(picked).toBe(-1);
          else expect(instances[picked]?.weight).toBeGreaterThan(0);
        }
      }),
      runs(500),
    );
  });

  it.each([[[1, 1, 1, 1]], [[3, 1]], [[1, 2, 3, 4, 0]], [[100, 1]]])(
    "idle endpoints of weights %j get their shares",
    (weights) => {
      const counts = count(make(policy, idle(weights), seededRandom(11)), weights.length, 100_000);
      expect(chiSquareP(counts, weights)).toBeGreaterThan(0.001);
    },
  );

  it("shares hold under load too: 64 requests always in flight, of random lengths", () => {
    const weights = [4, 2, 1, 1];
    const instances = idle(weights);
    const random = seededRandom(5);
    const balancer = make(policy, instances, random);
    const inFlight: number[] = [];
    const counts = weights.map(() => 0);
    for (let i = 0; i < 50_000; i++) {
      const picked = balancer.pick();
      counts[picked]!++;
      instances[picked]!.active++;
      inFlight.push(picked);
      if (inFlight.length > 64) {
        const [done = 0] = inFlight.splice(Math.floor(random() * inFlight.length), 1);
        instances[done]!.active--;
      }
    }
    for (const [i, weight] of weights.entries()) expect((counts[i]! / 50_000) * 8).toBeCloseTo(weight, 0);
  });

  it("a single endpoint gets everything", () => {
    expect(count(make(policy, idle([7]), seededRandom(1)), 1, 10)).toEqual([10]);
  });
});

describe("leastRequest", () => {
  it("of two it takes the less loaded, always", () => {
    const instances = [
      { active: 5, weight: 1 },
      { active: 4, weight: 1 },
    ];
    expect(count(make("leastRequest", instances, seededRandom(2)), 2, 1_000)).toEqual([0, 1_000]);
  });

  it("of many, the most loaded gets nothing and the least loaded twice its share", () => {
    const instances = [9, 1, 2, 3, 4].map((active) => ({ active, weight: 1 }));
    const counts = count(make("leastRequest", instances, seededRandom(3)), 5, 100_000);
    // An endpoint wins against each of those that have more: 0, 4, 3, 2 and 1 pairs of 10.
    expect(counts[0]).toBe(0);
    expect(chiSquareP(counts, [0, 4, 3, 2, 1])).toBeGreaterThan(0.001);
  });

  it("load is judged by weight: four requests on weight 4 are as many as one on weight 1", () => {
    const instances = [
      { active: 5, weight: 4 },
      { active: 1, weight: 1 },
    ];
    const counts = count(make("leastRequest", instances, seededRandom(4)), 2, 100_000);
    // The heavy one is taken only where both choices fell on it: (4/5)².
    expect(chiSquareP(counts, [16, 9])).toBeGreaterThan(0.001);
  });

  it("a slow endpoint is spared: it gets under half of what a fair share would be", () => {
    const instances = idle([1, 1, 1, 1]);
    const random = seededRandom(6);
    const balancer = make("leastRequest", instances, random);
    const slow: number[] = [];
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      const picked = balancer.pick();
      counts[picked]!++;
      instances[picked]!.active++;
      // The first endpoint keeps each request for 20 turns, the others for none.
      if (picked !== 0) instances[picked]!.active--;
      else slow.push(i);
      if (slow[0] !== undefined && i - slow[0] >= 20) {
        slow.shift();
        instances[0]!.active--;
      }
    }
    expect(counts[0]).toBeLessThan(2_500);
    expect(counts[0]).toBeGreaterThan(0);
  });
});

describe("roundRobin", () => {
  it("equal weights: every turn visits everybody once, in the same order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer(), (size, seed) => {
        const balancer = make("roundRobin", idle(new Array<number>(size).fill(3)), seededRandom(seed));
        const turn = Array.from({ length: size }, () => balancer.pick());
        expect(turn.toSorted((a, b) => a - b)).toEqual(turn.map((_, i) => i));
        expect(Array.from({ length: size }, () => balancer.pick())).toEqual(turn);
      }),
      runs(),
    );
  });

  it("unequal weights: after any number of picks, everybody is within five of the exact share", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.integer(), (weights, seed) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        const balancer = make("roundRobin", idle(weights), seededRandom(seed));
        const counts = weights.map(() => 0);
        for (let n = 1; n <= 2_000; n++) {
          counts[balancer.pick()]!++;
          for (const [i, weight] of weights.entries())
            if (Math.abs(counts[i]! - (n * weight) / total) > 5)
              expect.fail(`${counts} after ${n} of ${weights}`);
        }
      }),
      runs(60),
    );
  });
});

describe("peakEwma", () => {
  const seen = (ms: number, at = 0) => {
    const latency = new Latency();
    latency.observe(ms, at);
    return latency;
  };

  it("of two it takes the one that is expected sooner: latency times what is in flight", () => {
    let now = 0;
    const instances = [
      { active: 0, weight: 1, key: "a", latency: seen(100) },
      { active: 3, weight: 1, key: "b", latency: seen(10) },
    ];
    const balancer = makeBalancer("peakEwma", instances, seededRandom(1), () => now);
    expect(count(balancer, 2, 100)).toEqual([0, 100]);
    instances[1]!.active = 10;
    expect(count(balancer, 2, 100)).toEqual([100, 0]);
    // Long after, what was slow has come down as much as what was quick; the load still tells.
    now = 100_000;
    expect(count(balancer, 2, 100)).toEqual([100, 0]);
  });

  it("a slow answer counts at once, and quick ones make up for it slowly (default decay 10 s)", () => {
    const latency = seen(10);
    latency.observe(1_000, 10);
    expect(latency.at(10)).toBe(1_000);
    latency.observe(10, 20);
    expect(latency.at(20)).toBeCloseTo(999, -1);
    expect(latency.at(10_020) / latency.at(20)).toBeCloseTo(1 / Math.E, 3);
  });

  it("who has not answered yet is taken for 30 ms (default)", () => {
    expect(new Latency().at(1_000_000)).toBe(30);
  });

  it("one of ten that is slow gets few requests: p99 at most half of round robin's", () => {
    const p99 = (policy: LoadBalancerPolicy): number => {
      let now = 0;
      const random = seededRandom(9);
      const instances = Array.from({ length: 10 }, (_, i) => ({
        ...{ active: 0, weight: 1, key: String(i) },
        latency: new Latency(),
      }));
      const balancer = makeBalancer(policy, instances, random, () => now);
      const open: { readonly at: number; readonly began: number; readonly by: number }[] = [];
      const took: number[] = [];
      // 200 requests a second for a minute; the first instance takes 100 times as long.
      for (; now < 60_000; now += 5) {
        for (const done of open.filter(({ at }) => at <= now)) {
          open.splice(open.indexOf(done), 1);
          instances[done.by]!.active--;
          instances[done.by]!.latency.observe(now - done.began, now);
          if (now > 5_000) took.push(now - done.began);
        }
        const by = balancer.pick();
        instances[by]!.active++;
        open.push({ at: now + (by === 0 ? 1_000 : 10), began: now, by });
      }
      return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)]!;
    };
    expect(p99("peakEwma")).toBeLessThanOrEqual(p99("roundRobin") / 2);
  });
});

describe.each(["ringHash", "maglev"] as const)("%s", (policy) => {
  const keys = Array.from({ length: 20_000 }, (_, i) => hashOf(`user-${i}`));
  const owners = (weights: readonly number[], names = weights.map((_, i) => `10.0.0.${i}:80`)) => {
    const candidates = weights.map((weight, i) => ({
      active: 0,
      weight,
      key: names[i]!,
      latency: new Latency(),
    }));
    const balancer = makeBalancer(policy, candidates, seededRandom(1), () => 0);
    return keys.map((key) => names[balancer.pick(key)]);
  };

  it("the same key goes to the same endpoint, in whatever order they stand and whatever their load", () => {
    const names = ["a", "b", "c", "d"];
    expect(owners([1, 1, 1, 1], names)).toEqual(owners([1, 1, 1, 1], names));
    const reversed = owners([1, 1, 1, 1], names.toReversed());
    const moved = owners([1, 1, 1, 1], names).filter((owner, i) => owner !== reversed[i]).length;
    // Maglev's turns are in the order of endpoints; a few places change hands.
    expect(moved / keys.length).toBeLessThan(policy === "ringHash" ? 0.001 : 0.02);
  });

  it("shares are as the weights, within a fifth", () => {
    const found = owners([4, 2, 1, 1]);
    const share = (i: number) => found.filter((owner) => owner === `10.0.0.${i}:80`).length / keys.length;
    for (const [i, wanted] of [0.5, 0.25, 0.125, 0.125].entries()) {
      expect(Math.abs(share(i) / wanted - 1)).toBeLessThan(0.2);
    }
  });

  it("of an endpoint that goes its own keys move, and hardly another", () => {
    const names = ["a", "b", "c", "d", "e"];
    const before = owners([1, 1, 1, 1, 1], names);
    const after = owners([1, 1, 1, 1], names.slice(0, 4));
    const others = before.flatMap((owner, i) => (owner === "e" ? [] : [owner === after[i]]));
    const moved = others.filter((stayed) => !stayed).length / others.length;
    expect(moved).toBeLessThan(policy === "ringHash" ? 0.001 : 0.1);
    expect(after).not.toContain("e");
  });

  it.each([2, 4, 8, 16, 32, 64])(
    "the %i. endpoint takes its share of the keys, and moves none between others",
    (size) => {
      const before = owners(new Array<number>(size - 1).fill(1));
      const after = owners(new Array<number>(size).fill(1));
      const moved = before.filter(
        (owner, i) => owner !== after[i] && after[i] !== `10.0.0.${size - 1}:80`,
      ).length;
      expect(moved / keys.length).toBeLessThan(policy === "ringHash" ? 0.001 : 0.1);
    },
  );

  it("a request that all refuse looks at few places", () => {
    let asked = 0;
    const refuse = () => {
      asked++;
      return false;
    };
    expect(make(policy, idle([1, 1, 1]), seededRandom(1)).pick(7, refuse)).toBe(-1);
    expect(asked).toBeLessThanOrEqual(MAX_PLACES);
  });

  it("weights of zero own nothing, and without a key any endpoint is picked", () => {
    expect(new Set(owners([1, 0, 1]))).toEqual(new Set(["10.0.0.0:80", "10.0.0.2:80"]));
    const counts = count(make(policy, idle([1, 1, 1]), seededRandom(3)), 3, 30_000);
    for (const each of counts) expect(each).toBeGreaterThan(8_000);
    for (const weights of [[], [0], [0, 0]])
      expect(make(policy, idle(weights), seededRandom(1)).pick(7)).toBe(-1);
  });
});

it("hashes are MurmurHash3's", () => {
  expect([
    hashOf(""),
    hashOf("a"),
    hashOf("hello"),
    hashOf("hello, world"),
    hashOf("abcd", 0x9747b28c),
  ]).toEqual([0, 0x3c2569b2, 0x248bfa47, 0x149bbb7f, 0xf0478627]);
});
