import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "./histogram.ts";
import type { GeneratorCost } from "./result.ts";
import { bottleneckWarnings } from "./self-monitor.ts";

const empty = new LatencyHistogram().summary();
const easy: GeneratorCost = {
  cpuSeconds: 1,
  cpuShare: 0.1,
  cpuMicrosPerRequest: 20,
  pacing: { ...empty, p50: 0.5, p99: 1.1 },
  lag: { p50: 0.1, p99: 1, max: 5 },
  loopUtilization: 0.1,
  maxRssBytes: 1,
};

it("a generator with air says nothing", () => {
  expect(bottleneckWarnings(easy)).toEqual([]);
});

describe("a generator out of breath says so", () => {
  it.each<[string, Partial<GeneratorCost>, RegExp]>([
    ["CPU", { cpuShare: 0.97 }, /busy for 97 %/],
    ["event loop", { loopUtilization: 0.99 }, /busy for 99 %/],
    ["pacing", { pacing: { ...easy.pacing, p99: 7 } }, /left more than 7\.0 ms late/],
    ["timers", { lag: { p50: 0, p99: 25, max: 30 } }, /late by 25\.0 ms/],
    ["one long pause", { lag: { p50: 0, p99: 1, max: 98 } }, /stood still for 98 ms/],
  ])("%s", (_name, cost, message) => {
    expect(bottleneckWarnings({ ...easy, ...cost })).toEqual([expect.stringMatching(message)]);
  });
});
