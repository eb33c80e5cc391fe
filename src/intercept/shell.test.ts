import { expect, it } from "vitest";
import { systemShell } from "./shell.ts";

/** More than a pipe holds. */
const INPUT = "x".repeat(300_000);

it("a program that ends before it has read its input says why", () => {
  expect(systemShell("sh", ["-c", "echo no such table >&2; exit 1"], INPUT)).toMatchObject({
    isDone: false,
    problem: "no such table",
  });
  expect(systemShell("sh", ["-c", "exit 4"], INPUT).problem).toBe("sh ended with 4");
  expect(systemShell("sh", ["-c", "echo half of it will do >&2"], INPUT).isDone).toBe(false);
});

it("a program that is not there, one that says nothing, and one that does what it is asked", () => {
  expect(systemShell("weft-no-such-program", []).problem).toBe(
    "there is no weft-no-such-program on this machine",
  );
  expect(systemShell("sh", ["-c", "exit 3"]).problem).toBe("sh ended with 3");
  expect(systemShell("cat", [], "rules")).toMatchObject({ isDone: true, stdout: "rules" });
});
