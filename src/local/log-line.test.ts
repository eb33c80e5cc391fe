import { describe, expect, it } from "vitest";
import { LineSplitter, readLogLine } from "./log-line.ts";

describe("lines of a child", () => {
  it("are put together from chunks, the unfinished last one too", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (const chunk of ["on", "e\ntw", "o\n\nthr", "ee"]) splitter.push(chunk);
    splitter.end();
    expect(lines).toEqual(["one", "two", "three"]);
  });

  it("are cut where they would fill our memory", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line), 5);
    for (let i = 0; i < 10; i += 1) splitter.push("0123456789");
    splitter.push("\n");
    expect(lines).toEqual(["01234"]);
  });

  it.each([
    ['{"level":30,"time":1,"pid":2,"msg":"hello","port":80}', "info", "hello port=80"],
    ['{"level":50,"msg":"broken","err":{"message":"why"}}', "error", "broken err=why"],
    ['{"level":"warn","msg":"careful"}', "warn", "careful"],
    ["plain text", "info", "plain text"],
    ["{not json", "info", "{not json"],
  ] as const)("%s", (line, severity, text) =>
    expect(readLogLine(line, "stdout")).toEqual({ severity, text }),
  );

  it("are warnings where they come from stderr", () => {
    expect(readLogLine("oops", "stderr").severity).toBe("warn");
  });
});
