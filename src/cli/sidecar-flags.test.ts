import { describe, expect, it } from "vitest";
import { CliError } from "./exit.ts";
import { describeFlags, FLAGS, readFlags, variableOf } from "./sidecar-flags.ts";

function problemOf(argv: string[], env: Record<string, string> = {}): string {
  try {
    readFlags(argv, env);
  } catch (error) {
    if (error instanceof CliError) return [error.message, ...error.hints].join("\n");
  }
  return "";
}

describe("readFlags", () => {
  it("has the ports of the design as defaults", () => {
    const flags = readFlags([], {});
    const ports = ["outbound-port", "inbound-port", "admin-port", "telemetry-port"] as const;
    expect(ports.map((name) => flags.get(name))).toEqual(["15001", "15006", "15000", "15020"]);
    expect([flags.get("drain-grace"), flags.get("drain-timeout")]).toEqual(["5s", "45s"]);
    expect([flags.get("state-dir"), flags.get("app-port")]).toEqual([undefined, undefined]);
  });

  it("takes the environment, and the flag before it", () => {
    const env = { WEFT_ADMIN_PORT: "1", WEFT_STATE_DIR: "/s", WEFT_HOST: "" };
    const flags = readFlags(["--admin-port", "2"], env);
    expect([flags.get("admin-port"), flags.get("state-dir"), flags.get("host")]).toEqual([
      "2",
      "/s",
      "127.0.0.1",
    ]);
  });

  it.each([
    [["--admin-port", "65536"], "--admin-port"],
    [["--admin-port", "-1"], "--admin-port"],
    [["--admin-port=1e3"], "--admin-port"],
    [["--concurrency", "0"], "--concurrency"],
    [["--workload", "web"], "NAMESPACE/NAME"],
    [["--control-plane", "host"], "HOST:PORT"],
    [["--labels", "app"], "app=web"],
    [["--drain-grace", "5"], "duration"],
    [["--outbound-scope", "*"], "lazy or all"],
    [["--dns-port", "dns"], "--dns-port"],
    [["--dns-servers", "resolver.example"], "a list of addresses"],
    [["--dns-servers", "10.0.0.1:0"], "a list of addresses"],
    [["--nothing"], "--nothing"],
    [["extra"], "extra"],
  ])("refuses %j", (argv, said) => {
    expect(problemOf(argv)).toContain(said);
  });

  it("names every problem, and the variable where it came from there", () => {
    const said = problemOf(["--admin-port", "x"], { WEFT_CONCURRENCY: "many" });
    expect(said).toContain("--admin-port");
    expect(said).toContain("WEFT_CONCURRENCY");
  });
});

it("describes every flag", () => {
  const text = describeFlags();
  for (const name of Object.keys(FLAGS)) expect(text).toContain(`--${name} `);
  expect(variableOf("telemetry-port")).toBe("WEFT_TELEMETRY_PORT");
});
