import { describe, expect, it } from "vitest";
import { durationOption, formatMs, integerOption, parseDuration } from "./duration.ts";

describe("durations", () => {
  it.each([
    ["500ms", 500],
    ["20s", 20_000],
    ["1m", 60_000],
    ["1m30s", 90_000],
    ["1.5s", 1_500],
    ["2h", 7_200_000],
    ["0s", 0],
  ])("%s is %i ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["", "20", "s", "-1s", "1d", "1 s", "1s ", "1e3s", ".5s"])("%j is none", (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it("names the option in the error", () => {
    expect(() => durationOption("--duration")("soon")).toThrow('--duration: "soon" is no duration');
  });

  it("reads whole numbers within their range only", () => {
    const parse = integerOption("--rate", 1, 500);
    expect(parse("10")).toBe(10);
    for (const text of ["0", "501", "1.5", "ten", "", "-1"]) expect(() => parse(text)).toThrow("--rate");
  });

  it.each([
    [0.04, "0.0 ms"],
    [4.25, "4.3 ms"],
    [43.4, "43 ms"],
    [1_250, "1.3 s"],
  ])("shows %f as %s", (ms, text) => expect(formatMs(ms)).toBe(text));
});
