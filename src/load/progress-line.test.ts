import { expect, it } from "vitest";
import { progressLine } from "./progress-line.ts";
import type { LoadProgress } from "./run.ts";

const measuring: LoadProgress = {
  phase: "measuring",
  elapsedMs: 3_210,
  totalMs: 12_000,
  answered: 4_567,
  errors: 0,
  rps: 999.6,
  p50: 1.234,
  p99: 12.34,
  backlog: 0,
};

it("says where the run is and how it goes", () => {
  expect(progressLine(measuring)).toBe(
    "measuring 3.2 s of 12 s  999.6/s  p50 1.23 ms  p99 12.3 ms  4,567 answered",
  );
});

it("adds what goes wrong", () => {
  expect(progressLine({ ...measuring, errors: 5, backlog: 1_200 })).toMatch(/ {2}5 errors {2}1,200 waiting$/);
});

it("shows no latencies before there are any, and no end that is not known", () => {
  expect(progressLine({ ...measuring, phase: "warmup", totalMs: undefined })).toBe("warmup 3.2 s  999.6/s");
});

it("fits the terminal", () => {
  expect(progressLine(measuring, 40)).toHaveLength(39);
});
