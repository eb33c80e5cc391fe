/** `weft init` on real netfilter, in namespaces of its own: what it programs, keeps, mends and takes away. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { Network, type Outcome, type Pod, WEFT } from "./network.ts";

const SOMEBODYS = `table ip somebodys {
  chain out { type nat hook output priority -100; tcp dport 7 redirect to :9; }
}
`;

let network: Network;
let pod: Pod;

function init(...args: readonly string[]): Outcome {
  return pod.run([process.execPath, WEFT, "init", ...args]);
}

/** All rules of the namespace in an order that does not depend on that of their making; tables without rules are none. */
function rules(): string {
  const tables = pod.run(["nft", "-s", "list", "ruleset"]).stdout.split(/^(?=table )/m);
  const own = tables.filter((table) => !/^table ip6? (nat|raw) /.test(table));
  const saved = ["iptables-save", "ip6tables-save"].flatMap((program) => {
    const lines = pod.run([program]).stdout.split("\n");
    const kept = lines.filter((line) => /^(-A|:WEFT)/.test(line));
    return [program, ...kept.sort((a, b) => chainOf(a).localeCompare(chainOf(b)))];
  });
  return [...own.sort(), ...saved, pod.run(["ip", "addr", "show", "lo"]).stdout].join("\n");
}

function chainOf(line: string): string {
  return /^(?:-A |:)(\S+)/.exec(line)?.[1] ?? "";
}

requires(
  "root",
  "ip",
  "nft",
  "iptables",
)("weft init", () => {
  beforeEach(() => {
    network = new Network();
    pod = network.pod(1);
    expect(pod.run(["nft", "-f", "-"], SOMEBODYS).code).toBe(0);
  });
  afterEach(() => network.close());

  for (const backend of ["nft", "iptables"] as const) {
    it(`${backend}: a probe is redirected both ways in both families`, () => {
      const { code, stderr } = init("--backend", backend);
      expect(stderr.split("\n").slice(0, -1)).toEqual([
        `interception is on, by ${backend}, for ipv4 and ipv6`,
        "  ipv4 outbound: redirected",
        "  ipv4 inbound: redirected",
        "  ipv6 outbound: redirected",
        "  ipv6 inbound: redirected",
      ]);
      expect(code).toBe(0);
    });

    it(`${backend}: twice is as once, and --clean leaves what was there before`, () => {
      const before = rules();
      const args = ["--backend", backend, "--redirect-dns", "--dns-servers", "198.18.0.53,2001:2::53"];
      expect(init(...args).code).toBe(0);
      const once = rules();
      expect(once).not.toBe(before);
      expect(init(...args).code).toBe(0);
      expect(rules()).toBe(once);
      // Other settings replace these wholly.
      expect(init("--backend", backend, "--exclude-outbound-ports", "25").code).toBe(0);
      expect(rules()).not.toContain("15053");
      expect(init("--clean").code).toBe(0);
      expect(rules()).toBe(before);
      expect(init("--clean").code).toBe(0);
    });

    it(`${backend}: another back end's rules go`, () => {
      const other = backend === "nft" ? "iptables" : "nft";
      expect(init("--backend", backend).code).toBe(0);
      const alone = rules();
      expect(init("--clean").code).toBe(0);
      expect(init("--backend", other).code).toBe(0);
      expect(init("--backend", backend).code).toBe(0);
      expect(rules()).toBe(alone);
    });

    it(`${backend}: what --dry-run prints is what is programmed, and programs nothing`, () => {
      const before = rules();
      const { stdout } = init("--backend", backend, "--dry-run", "--exclude-inbound-ports", "9999");
      expect(rules()).toBe(before);
      expect(stdout.match(/dport 9999/g)).toHaveLength(2);
    });
  }

  it.each(["nft", "iptables"])(
    "%s: killed at any moment, the next run is as the first",
    (backend) => {
      const args = ["--backend", backend, "--no-validate"];
      expect(init(...args).code).toBe(0);
      const whole = rules();
      const began = performance.now();
      expect(init(...args).code).toBe(0);
      const took = performance.now() - began;
      for (const share of [0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]) {
        const seconds = (share * took) / 1_000;
        expect(init("--clean").code).toBe(0);
        pod.run(["timeout", "-s", "KILL", seconds.toFixed(3), process.execPath, WEFT, "init", ...args]);
        expect(init(...args).code).toBe(0);
        expect(rules(), `killed after ${seconds} s of ${took} ms`).toBe(whole);
      }
    },
    // Some fifty programs, one after the other.
    180_000,
  );

  it.each([
    [
      "a chain and no jump to it",
      "*nat\n:WEFT_OUTPUT - [0:0]\n-A WEFT_OUTPUT -p tcp -j REDIRECT --to-ports 1\nCOMMIT\n",
    ],
    [
      "jumps to an empty chain",
      "*nat\n:WEFT_OUTPUT - [0:0]\n-A OUTPUT -j WEFT_OUTPUT\n-A OUTPUT -j WEFT_OUTPUT\nCOMMIT\n",
    ],
    [
      "chains of another version",
      "*nat\n:WEFT_OLD - [0:0]\n:WEFT_OLDER - [0:0]\n-A WEFT_OLD -j WEFT_OLDER\n-I OUTPUT -p tcp -j WEFT_OLD\nCOMMIT\n",
    ],
    [
      "rules in a table that is no longer used",
      "*raw\n:WEFT_RAW_OUTPUT - [0:0]\n-A OUTPUT -j WEFT_RAW_OUTPUT\nCOMMIT\n",
    ],
  ])("repairs what a killed run left: %s", (_what, half) => {
    const before = rules();
    expect(init("--backend", "iptables").code).toBe(0);
    const whole = rules();
    expect(init("--clean").code).toBe(0);
    expect(pod.run(["iptables-restore", "--noflush"], half).code).toBe(0);
    expect(init("--backend", "iptables").code).toBe(0);
    expect(rules()).toBe(whole);
    expect(init("--clean").code).toBe(0);
    expect(pod.run(["iptables-restore", "--noflush"], half).code).toBe(0);
    expect(init("--clean").code).toBe(0);
    expect(rules()).toBe(before);
  });

  it("repairs a table of nftables that is there in part", () => {
    expect(init("--backend", "nft").code).toBe(0);
    const whole = rules();
    expect(pod.run(["nft", "flush", "chain", "ip", "weft", "output"]).code).toBe(0);
    expect(pod.run(["nft", "delete", "table", "ip6", "weft"]).code).toBe(0);
    expect(init("--backend", "nft").code).toBe(0);
    expect(rules()).toBe(whole);
  });

  it("works where the kernel has no nf_tables and the root is read-only, as in weft-init", () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-no-nft-"));
    try {
      for (const program of ["nft", "iptables"]) {
        const refusal = "echo 'Failed to initialize nft: Protocol not supported' >&2; exit 1";
        writeFileSync(join(folder, program), `#!/bin/sh\n${refusal}\n`, { mode: 0o755 });
      }
      const script = `mount -t tmpfs none /run && mount -o remount,ro /run && PATH=${folder}:$PATH && exec "$@"`;
      const within = (...args: readonly string[]) =>
        pod.run(["unshare", "-m", "sh", "-c", script, "sh", process.execPath, WEFT, "init", ...args]);
      const legacy = () => pod.run(["iptables-legacy-save", "-t", "nat"]).stdout;
      const { code, stderr } = within();
      expect(stderr).toContain(
        "interception is on, by iptables, for ipv4 and ipv6\n  ipv4 outbound: redirected",
      );
      expect(code).toBe(0);
      expect(legacy()).toContain("-A OUTPUT -j WEFT_OUTPUT");
      expect(within("--clean").code).toBe(0);
      expect(legacy()).not.toContain("WEFT");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("takes iptables where nftables is there and cannot do this, and says why where both cannot", () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-half-nft-"));
    try {
      const stub = (program: string, ...lines: readonly string[]) =>
        writeFileSync(join(folder, program), `#!/bin/sh\n${lines.join("\n")}\n`, { mode: 0o755 });
      const real = pod.run(["sh", "-c", "command -v nft"]).stdout.trim();
      const refusal = "echo 'Could not process rule: No such file or directory' >&2; exit 1";
      stub("nft", `case "$1" in -f) ${refusal} ;; esac`, `exec ${real} "$@"`);
      const within = (...args: readonly string[]) =>
        pod.run(["env", `PATH=${folder}:${process.env["PATH"]}`, process.execPath, WEFT, "init", ...args]);
      const { code, stderr } = within();
      expect(stderr).toContain("interception is on, by iptables, for ipv4 and ipv6");
      expect(code).toBe(0);
      expect(within("--clean").code).toBe(0);
      const chosen = within("--backend", "nft");
      expect([chosen.code, chosen.stderr]).toEqual([1, expect.stringContaining("Could not process rule")]);
      for (const program of ["iptables-restore", "iptables-legacy-restore"]) stub(program, "exit 4");
      const neither = within();
      expect(neither.code).toBe(1);
      expect(neither.stderr).toContain("nft: nft -f -: Could not process rule: No such file or directory");
      expect(neither.stderr).toContain("iptables: iptables-restore: iptables-restore ended with 4");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("says so where somebody else takes the connections", () => {
    const before =
      "table ip first {\n chain out { type nat hook output priority -150; tcp dport 15002 redirect to :9; }\n}\n";
    expect(pod.run(["nft", "-f", "-"], before).code).toBe(0);
    const { code, stderr } = init();
    expect(code).toBe(1);
    expect(stderr).toContain("ipv4 outbound: connection to 192.0.2.1:15002: ECONNREFUSED");
    expect(stderr).toContain("ipv6 outbound: redirected");
  });

  it("tries no direction that is not intercepted", () => {
    const { code, stderr } = init(
      "--include-inbound-ports",
      "",
      "--include-outbound-ip-ranges",
      "198.19.0.0/16",
    );
    expect(stderr).toContain("ipv4 outbound: redirected");
    expect(stderr).toContain("ipv4 inbound: not tried (no port is redirected)");
    expect(stderr).toContain("ipv6 outbound: not tried (no range of IPv6 is redirected)");
    expect(code).toBe(0);
  });

  it("who waits for interception goes on when something is intercepted, not when there is no network to try it in", async () => {
    const serve =
      'createServer((_, answer) => answer.end()).listen(15020, "127.0.0.1", () => console.log("ready"))';
    await pod.start("-e", [`require("node:http").${serve}`]);
    const rightless = [
      "setpriv",
      "--reuid=1337",
      "--regid=1337",
      "--clear-groups",
      "--no-new-privs",
      "--bounding-set=-all",
    ];
    const wait = () =>
      pod.run([...rightless, process.execPath, WEFT, "wait", "--intercepted", "--timeout", "3s"]);
    expect(wait()).toMatchObject({ code: 1, stderr: expect.stringContaining("not intercepted") });
    expect(init().code).toBe(0);
    expect(wait()).toMatchObject({ code: 0, stderr: "" });
    expect(init("--clean").code).toBe(0);
    pod.run(["ip", "link", "set", "eth0", "down"]);
    expect(wait()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("this machine has no IPv4 address of its own"),
    });
  });
});
