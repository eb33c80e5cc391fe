import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { quoted } from "./keeper.ts";

it.each(["/tmp/weft-run", "it's here", "''", '$(x) `y` \\ " *'])("%s is one word of a shell", (text) => {
  expect(execFileSync("/bin/sh", ["-c", `printf %s ${quoted(text)}`], { encoding: "utf8" })).toBe(text);
});
