import { beforeEach, describe, expect, it } from "vitest";
import { loadFiles } from "../resources/load.ts";
import { sourceLog, streamLog } from "./log.ts";

let lines: unknown[][];
const write =
  (level: string) =>
  (fields: Readonly<Record<string, unknown>>, message: string): void =>
    void lines.push([level, message, fields]);
const log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
beforeEach(() => {
  lines = [];
});

const status = (text: string) => {
  const { issues, resources } = loadFiles([{ name: "a.yaml", text }]);
  const state = issues.some(({ severity }) => severity === "error") ? "broken" : "ok";
  return { state, issues, resources: resources.length, files: 1 } as const;
};

describe("files", () => {
  it("that break are logged once, with what is wrong, and so is their mending", () => {
    const read = sourceLog(log);
    read(status(""));
    read(status("a: ["));
    read(status("a: ["));
    read(status(""));
    read(status(""));
    expect(lines.map(([level, message]) => `${level} ${message}`)).toEqual([
      "error files are broken",
      "error the last good state is served until they are mended",
      "info files are good again",
    ]);
    expect(lines[0]?.[2]).toEqual({ issue: expect.stringMatching(/^a\.yaml:\d+:\d+: error: /) });
  });

  it("with many errors are not logged one by one", () => {
    sourceLog(log)(status(Array(30).fill("- 1").join("\n---\n")));
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)?.[2]).toEqual({ more: 20 });
  });
});

it("a refusal is logged with who, what and why", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const nack = { resource: "route a.default:80", version: "1", message: "no", field: "rules[0]", at };
  streamLog(log).answered("default/web", "route", 3, [nack]);
  const { resource, version, field } = nack;
  expect(lines).toEqual([
    [
      "warn",
      "sidecar refused a resource",
      { sidecar: "default/web", resource, version, field, reason: "no" },
    ],
  ]);
});
