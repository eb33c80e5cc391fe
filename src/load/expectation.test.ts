import { describe, expect, it } from "vitest";
import { judge, parseExpectations } from "./expectation.ts";
import { LatencyHistogram } from "./histogram.ts";
import type { LoadResult } from "./result.ts";

/** A result of 1,000 requests: 990 answered in 1 to 990 ms, 985 of them well, 10 failed. */
function sampleResult(): LoadResult {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms <= 990; ms++) histogram.record(ms);
  const latencies = histogram.summary();
  return {
    schema: "weft.dev/load/v1",
    start: "2026-01-01T00:00:00.000Z",
    end: "2026-01-01T00:00:10.000Z",
    elapsedMs: 10_000,
    interrupted: false,
    versions: { weft: "0", node: "0", os: "x" },
    target: { url: "http://127.0.0.1/", method: "GET", requestBytes: 60 },
    plan: {
      mode: "open",
      rate: 100,
      arrival: "uniform",
      seed: 1,
      connections: 1,
      maxInFlight: 1,
      warmupMs: 0,
      timeoutMs: 1,
    },
    client: { connections: 1, connectionsOpened: 1, rps: 99, latencies, service: latencies },
    requests: {
      scheduled: 1_000,
      sent: 1_000,
      answered: 990,
      succeeded: 985,
      errors: 10,
      missed: 0,
      delayed: 0,
      successRate: 0.985,
      warmup: 0,
    },
    statuses: { "200": 985, "503": 5 },
    errors: { reset: { count: 10, example: "ECONNRESET" } },
    bytes: { sent: 1, received: 1 },
    timeline: [],
    generator: {
      cpuSeconds: 0,
      cpuShare: 0,
      cpuMicrosPerRequest: 0,
      pacing: latencies,
      lag: { p50: 0, p99: 0, max: 0 },
      loopUtilization: 0,
      maxRssBytes: 0,
    },
    warnings: [],
  };
}

describe("expectations on a run with p50 495 ms, p99 980 ms, 98.5 % success, 99/s and 10 errors", () => {
  it.each([
    ["p50<500ms", true],
    ["p50 < 490ms", false],
    ["p99<=1s", true],
    ["P99.9>0.9s", true],
    ["p97.3<970ms", true],
    ["max<990ms", false],
    ["max=990ms", true],
    ["min>=1000us", true],
    ["mean<496ms", true],
    ["service.p99<1s", true],
    ["success>98%", true],
    ["success>=98.5%", true],
    ["success>99.9%", false],
    ["rate>98", true],
    ["rate>=100/s", false],
    ["errors<=10", true],
    ["errors<1%", false],
    ["errors<=1%", true],
    ["missed=0", true],
    ["p50<500ms,errors=0", false],
  ])("%s: %s", (text, met) => {
    const parsed = parseExpectations(text);
    if (parsed.kind === "invalid") throw new Error(parsed.problems.join());
    expect(judge(parsed.expectations, sampleResult()).every((verdict) => verdict.met)).toBe(met);
  });

  it("says what was found", () => {
    const parsed = parseExpectations("success>99.9%,errors=0,p99<20ms");
    const verdicts = parsed.kind === "invalid" ? [] : judge(parsed.expectations, sampleResult());
    expect(verdicts.map((verdict) => verdict.actual)).toEqual([
      "98.5 %",
      "10",
      expect.stringMatching(/^98\d(\.\d+)? ms$/),
    ]);
  });

  it("a run that measured nothing meets nothing", () => {
    const parsed = parseExpectations("errors=0,p99<1s");
    const empty = { ...sampleResult(), requests: { ...sampleResult().requests, scheduled: 0 } };
    const verdicts = parsed.kind === "invalid" ? [] : judge(parsed.expectations, empty);
    expect(verdicts.map((verdict) => verdict.met)).toEqual([false, false]);
  });
});

describe("mistakes say what would be right", () => {
  it.each([
    ["", /empty/],
    ["p99<20ms,", /empty/],
    ["p99<20", /unit is missing.*us.*ms/],
    ["p99<20m", /"m" is no unit of p99/],
    ["p99 20ms", /comparison is missing/],
    ["p99<fast", /number is missing, as in p99<20/],
    ["p0<1ms", /between p0 and p100/],
    ["p100<1ms", /between p0 and p100/],
    ["latency<1ms", /no metric "latency"; there are p50/],
    ["success>99.9", /unit is missing, one of %/],
    ["rate>5%", /no unit of rate/],
    ["<20ms", /is no expectation/],
    ["p99<1.2.3ms", /number is missing/],
  ])("%j", (text, message) => {
    const parsed = parseExpectations(text);
    expect(parsed).toMatchObject({ kind: "invalid", problems: [expect.stringMatching(message)] });
  });

  it("reports all of them at once", () => {
    const parsed = parseExpectations("p99<20,foo<1,errors=0");
    expect(parsed.kind === "invalid" && parsed.problems.length).toBe(2);
  });
});
