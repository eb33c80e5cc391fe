/** Plaintext is asked for by name, and stays on the machine. */
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { run as controlPlane } from "../../src/cli/control-plane.ts";
import { run as sidecar } from "../../src/cli/sidecar.ts";

async function refusal(run: typeof sidecar, args: readonly string[], env = {}) {
  const stderr = new PassThrough();
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env, cwd: "/" };
  const code = await run(args, io);
  stderr.end();
  return { code, text: await text(stderr) };
}

const OWNER = ["--workload", "default/web"];

describe("weft sidecar", () => {
  it.each([
    [
      "neither roots nor --insecure",
      ["--control-plane", "127.0.0.1:1"],
      /--trust-bundle FILE[\s\S]*--insecure/,
    ],
    ["plaintext to another machine", ["--control-plane", "10.0.0.1:1", "--insecure"], /loopback alone/],
    ["plaintext to a name", ["--control-plane", "plane.example:1", "--insecure"], /loopback alone/],
  ])("%s: not understood", async (_name, args, words) => {
    const found = await refusal(sidecar, [...args, ...OWNER]);
    expect(found.code).toBe(2);
    expect(found.text).toMatch(words);
  });

  it("WEFT_INSECURE must be true, not just anything", async () => {
    const found = await refusal(sidecar, ["--control-plane", "127.0.0.1:1", ...OWNER], {
      WEFT_INSECURE: "0",
    });
    expect(found.code).toBe(2);
    expect(found.text).toMatch(/WEFT_INSECURE: "0" is not true/);
  });
});

describe("weft control-plane", () => {
  it.each(["0.0.0.0", "::", "10.0.0.1"])("plaintext on %s: not understood", async (host) => {
    const found = await refusal(controlPlane, ["--config", "/nowhere", "--insecure", "--host", host]);
    expect(found.code).toBe(2);
    expect(found.text).toMatch(/--insecure is for loopback alone/);
  });
});
