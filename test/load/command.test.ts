/**
 * `weft load` as people run it: a child process, its exit codes, reports and Ctrl-C.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OK, type Origin, startOrigin } from "./origin.ts";

const directory = mkdtempSync(join(tmpdir(), "weft-load-"));
let origin: Origin;
beforeAll(async () => {
  origin = await startOrigin((socket, head) =>
    socket.write(head.startsWith("GET /bad") ? "HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n" : OK),
  );
});
afterAll(async () => {
  await origin.close();
  rmSync(directory, { recursive: true });
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, "runner.ts"), ...args], { cwd: directory });
}

async function weftLoad(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return finished(start(...args));
}

function finished(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (bytes) => (stdout += bytes));
  child.stderr?.on("data", (bytes) => (stderr += bytes));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

const SHORT = ["--rate", "200", "--requests", "40"] as const;

describe("exit codes", () => {
  it("0: the load ran and every expectation was met", async () => {
    const { code, stdout } = await weftLoad(
      origin.url,
      ...SHORT,
      "--expect",
      "p99<5s,success=100%",
      "--expect",
      "errors=0",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/success +100 % \(40 of 40 requests\)/);
    expect(stdout.match(/^ {2}met /gm)).toHaveLength(3);
  });

  it("0: without expectations even when every answer is an error", async () => {
    expect((await weftLoad(`${origin.url}bad`, ...SHORT)).code).toBe(0);
  });

  it("1: an expectation was not met, and the report says which", async () => {
    const { code, stdout } = await weftLoad(`${origin.url}bad`, ...SHORT, "--expect", "p99<5s,success>99.9%");
    expect(code).toBe(1);
    expect(stdout).toMatch(/NOT MET {2}success>99\.9% +\(0 %\)/);
  });

  it("1: nothing answers", async () => {
    const gone = await startOrigin(() => undefined);
    await gone.close();
    const { code, stderr } = await weftLoad(gone.url, ...SHORT);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/nothing answers at 127\.0\.0\.1 port \d+ \(ECONNREFUSED\)/),
    ]);
  });

  it.each<[string, string[], RegExp]>([
    ["no URL", [], /missing required argument 'url'/],
    ["an unknown option", ["http://127.0.0.1/", "--speed", "5"], /unknown option '--speed'/],
    ["a wrong expectation", ["http://127.0.0.1/", "--expect", "p99<20"], /a unit is missing/],
    ["too high a rate", ["http://127.0.0.1/", "--rate", "2e6"], /--rate: "2e6" is no rate/],
    ["too long", ["http://127.0.0.1/", "--duration", "25h"], /24 h/],
    ["a wrong header", ["http://127.0.0.1/", "-H", "nothing"], /has no name and value/],
    ["two bodies", ["http://127.0.0.1/", "--body", "a", "--body-size", "5"], /one of --body/],
    ["https", ["https://127.0.0.1/"], /only http/],
    ["a report in no directory", ["http://127.0.0.1/", "--html", "missing/report.html"], /can't be written/],
  ])("2: %s", async (_name, args, message) => {
    const { code, stderr, stdout } = await weftLoad(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });
});

it("prints JSON alone on stdout, and writes the same to --output", async () => {
  const { stdout } = await weftLoad(
    origin.url,
    ...SHORT,
    "--json",
    "--output",
    "result.json",
    "--expect",
    "errors=0",
  );
  expect(readFileSync(join(directory, "result.json"), "utf8")).toBe(stdout);
  expect(JSON.parse(stdout)).toMatchObject({
    schema: "weft.dev/load/v1",
    target: { url: origin.url, method: "GET" },
    client: { connections: 32, latencies: { count: 40 } },
    requests: { scheduled: 40, answered: 40 },
    expectations: [{ expectation: "errors=0", actual: "0", met: true }],
  });
});

it("writes an HTML report that needs nothing else", async () => {
  await weftLoad(origin.url, ...SHORT, "-H", "x-a: <b>", "--html", "report.html");
  const html = readFileSync(join(directory, "report.html"), "utf8");
  expect(html.match(/<svg /g)).toHaveLength(3);
  expect(html).not.toMatch(/<script|<link|<img|@import|url\(|NaN|undefined|Infinity/);
  expect(html.replaceAll(origin.url, "")).not.toMatch(/https?:\/\//);
});

it("sends body, headers, host and method as told", async () => {
  await weftLoad(
    origin.url,
    "--requests",
    "1",
    "--body-size",
    "2KiB",
    "--method",
    "PATCH",
    "--host",
    "web",
    "-H",
    "X-One: 1",
    "-H",
    "x-two: 2",
  );
  expect(origin.heads.at(-1)).toMatch(
    /^PATCH \/ HTTP\/1\.1\r\nHost: web\r\n[\s\S]*X-One: 1\r\nx-two: 2\r\nContent-Length: 2048\r\n\r\n$/,
  );
});

it("Ctrl-C ends it early, with the report", async () => {
  const child = start(origin.url, "--rate", "100", "--duration", "60s", "--warmup", "0s");
  const before = origin.heads.length;
  const result = finished(child);
  await expect.poll(() => origin.heads.length, { timeout: 10_000 }).toBeGreaterThan(before + 10);
  child.kill("SIGINT");
  const { code, stdout } = await result;
  expect(code).toBe(0);
  expect(stdout).toMatch(/\(ended early\)[\s\S]*rate +\d+.*\/s[\s\S]*p99/);
});
