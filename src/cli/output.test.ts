import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { painter, table, width } from "./output.ts";

const terminal = () => Object.assign(new PassThrough(), { isTTY: true });
const plain = painter(new PassThrough(), {});

describe("colours", () => {
  it("are for terminals", () => {
    expect(painter(terminal(), {})("red", "x")).toContain("\u001b[");
    expect(plain("red", "x")).toBe("x");
  });

  it.each([{ NO_COLOR: "1" }, { TERM: "dumb" }, { NO_COLOR: "1", FORCE_COLOR: "1" }])(
    "are off under %j",
    (env) => expect(painter(terminal(), env)("red", "x")).toBe("x"),
  );

  it("are on under FORCE_COLOR, also in a pipe", () => {
    expect(painter(new PassThrough(), { FORCE_COLOR: "1" })("red", "x")).toContain("\u001b[");
  });

  it("an empty NO_COLOR counts as unset", () => {
    expect(painter(terminal(), { NO_COLOR: "" })("red", "x")).toContain("\u001b[");
  });
});

describe("tables", () => {
  it("line up, numbers at the right, without trailing spaces", () => {
    const text = table(
      [{ title: "NAME" }, { title: "N", align: "right" }],
      [
        ["a", "1"],
        ["bcdef", "100"],
      ],
      plain,
    );
    expect(text).toBe("NAME     N\na        1\nbcdef  100\n");
  });

  it("measure what is seen, not the colours", () => {
    expect(width(painter(terminal(), {})("green", "ok"))).toBe(2);
  });
});
