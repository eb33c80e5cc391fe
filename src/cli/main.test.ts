import { describe, expect, it } from "vitest";
import { weft as weftWith } from "../../test/harness/weft.ts";

const weft = (...argv: string[]) => weftWith("", ...argv);

const COMMANDS = [
  "up",
  "sidecar",
  "control-plane",
  "validate",
  "apply",
  "get",
  "delete",
  "status",
  "check",
  "authz",
  "mirror",
  "load",
];

describe("the command line", () => {
  it("lists every command, and exits with 0 when asked to", async () => {
    const { code, stdout } = await weft("--help");
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
  });

  it("without a command prints the same as an error", async () => {
    const { code, stdout, stderr } = await weft();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("usage: weft");
  });

  it("knows its version and Node's", async () => {
    expect((await weft("--version")).stdout).toMatch(/^weft \d+\.\d+\.\d+ \(node \d+\./);
  });

  it("suggests what a misspelt command may have meant", async () => {
    const { code, stderr } = await weft("stat");
    expect(code).toBe(2);
    expect(stderr).toContain('no command "stat", did you mean "status"?');
  });

  it.each(COMMANDS)("%s has help with examples and exit codes", async (command) => {
    const { code, stdout } = await weft(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Examples:\n {2}weft /m);
    expect(stdout).toMatch(/^Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /m);
  });

  it.each(COMMANDS)("%s refuses an option it does not know, with 2", async (command) => {
    const { code, stderr } = await weft(command, "--no-such-option");
    expect(code).toBe(2);
    expect(stderr).toContain("no-such-option");
  });

  it.each([
    ["up", "mesh", "--duration", "soon"],
    ["apply", "-f", "x", "--timeout", "5"],
    ["apply"],
    ["get"],
    ["get", "pods"],
    ["delete", "route"],
    ["up", "mesh", "--rate", "0"],
  ])("weft %s %s %s %s is not understood", async (...argv) => {
    const { code, stderr } = await weft(...argv.filter((arg) => arg !== undefined));
    expect(code).toBe(2);
    expect(stderr).toMatch(/error/);
  });
});

describe("without a control plane", () => {
  it.each([["status"], ["get", "routes"], ["delete", "route", "catalog"]])(
    "weft %s says where it looked and what to do",
    async (...argv) => {
      const { code, stderr } = await weft(...argv, "--api", "127.0.0.1:1");
      expect(code).toBe(1);
      expect(stderr).toContain("no control plane at http://127.0.0.1:1 (nobody listens there)");
      expect(stderr).toContain("the address is from: --api");
      expect(stderr).toContain("weft up DIR");
    },
  );

  it("says so as JSON under --json", async () => {
    const { code, stdout } = await weft("status", "--json", "--api", "127.0.0.1:1");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { message: expect.stringContaining("no control plane") },
    });
  });
});
