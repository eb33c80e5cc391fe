import { expect, it } from "vitest";
import type { Result } from "./result.ts";
import { readmeBlock, readResults, summary } from "./summary.ts";

const figure = (median: number) => ({ median, min: median, max: median, rounds: 5 });
const result = (scenarios: Result["scenarios"]): Result => ({
  schema: "weft.dev/bench/v1",
  at: "2026-11-21T06:00:00Z",
  ...{ rounds: 5, seconds: 2, machine: {}, missing: {}, scenarios },
});

it("the README's tables are those of the results", () => {
  expect(readmeBlock()).toContain(summary(readResults()));
});

it("a row a scenario, ratios to Weft, a dash for what was not measured", () => {
  const latest = result([
    {
      name: "get-small",
      title: "",
      peers: {
        weft: { cpuUsPerRequest: figure(10) },
        nginx: { cpuUsPerRequest: figure(12.5) },
        envoy: { missing: "not installed" },
      },
    },
  ]);
  expect(summary({ latest })).toContain(
    "|  | weft | nginx | envoy |\n| --- | ---: | ---: | ---: |\n| GET, CPU µs a request | 10.0 | 12.5 ×1.25 | – |\n\n",
  );
});

it("two hops are both halves together, faults three figures", () => {
  const twoHop = result([
    {
      name: "two-hop-32",
      title: "",
      peers: { weft: { outboundUsPerRequest: figure(9), inboundUsPerRequest: figure(11) } },
    },
  ]);
  const peers = {
    weft: { successPercent: figure(99.96), extraLoadPercent: figure(0.8), p99AllMs: figure(9.2) },
  };
  const resilience = result([{ name: "dead", title: "One dead", peers }]);
  const text = summary({ twoHop, resilience });
  expect(text).toContain("| 32 connections, CPU µs a request | 20.0 |");
  expect(text).toContain("| One dead | 100.0 / 0.8 / 9 |");
});
