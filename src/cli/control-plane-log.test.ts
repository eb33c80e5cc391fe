import { describe, expect, it } from "vitest";
import { textIo } from "../../test/harness/io.ts";
import { controlPlaneLog, type LogFormat, type LogLevel } from "./control-plane-log.ts";

/** What a logger wrote. */
function logged(
  write: (log: ReturnType<typeof controlPlaneLog>) => void,
  level: LogLevel,
  format: LogFormat,
) {
  const { io, output } = textIo({ env: { NO_COLOR: "1" } });
  write(controlPlaneLog(level, format, io));
  return output();
}

const EVIL = 'a\n{"level":"error"}\u001b[2J';

describe("the control plane's log", () => {
  it("is one JSON line each, whatever strangers wrote", () => {
    const text = logged((log) => log.warn({ sidecar: EVIL }, "sidecar refused a resource"), "info", "json");
    expect(text.split("\n")).toHaveLength(2);
    expect(JSON.parse(text)).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      sidecar: EVIL,
      msg: "sidecar refused a resource",
    });
  });

  it("is readable as text, and no value moves the cursor or looks like a field", () => {
    const fields = { sidecar: "default/web", reason: 'x=1 "y"', evil: EVIL };
    const text = logged((log) => log.info(fields, "sidecar connected"), "info", "text");
    expect(text.replace(/^\S+/, "12:34:56.789")).toBe(
      '12:34:56.789 info  sidecar connected sidecar=default/web reason="x=1 \\"y\\"" ' +
        'evil="a\\n{\\"level\\":\\"error\\"}\\u001b[2J"\n',
    );
  });

  it("leaves out what is below its level", () => {
    expect(logged((log) => log.info({}, "x"), "warn", "text")).toBe("");
    expect(logged((log) => log.debug({}, "x"), "debug", "text")).toContain("debug x");
  });
});
