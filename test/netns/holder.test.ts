/** What holds a service's network in a compose project, on a real one: until netfilter is programmed nothing gets out, or in. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { weft } from "../harness/weft.ts";
import { Network, type Pod, WEFT } from "./network.ts";

let network: Network;
let pod: Pod;
let folder: string;

/** As compose would start it, with these programs in the place of the image's. */
async function hold(programs: Readonly<Record<string, string>>) {
  const project = { services: { web: { image: "web", expose: ["80"] } } };
  const { stdout } = await weft(JSON.stringify(project), "inject", "-");
  const { services } = JSON.parse(stdout) as { services: Record<string, { entrypoint?: string[] }> };
  const entrypoint = (services["web-weft"]?.entrypoint ?? []).map((part) => part.replaceAll("$$", "$"));
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return pod.run(["env", `PATH=${folder}:${process.env["PATH"]}`, ...entrypoint]);
}

const ROUTES = "ip route get 198.18.0.9 2>&1; ip -6 route get 2001:2::9 2>&1";

requires(
  "root",
  "ip",
  "nft",
  "iptables",
  "setpriv",
)("who holds a network", () => {
  beforeEach(() => {
    network = new Network();
    pod = network.pod(1);
    folder = mkdtempSync(join(tmpdir(), "weft-holder-"));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await network.close();
  });

  it("opens it when all that leaves goes through the sidecar", async () => {
    const { code, stdout, stderr } = await hold({
      weft: `${ROUTES}\nexec ${process.execPath} ${WEFT} "$@"`,
      setpriv: `echo "holds $*"\n${ROUTES}`,
    });
    const [before = "", after = ""] = stdout.split("holds ");
    expect(before.match(/unreachable/g)).toHaveLength(2);
    expect(before).not.toContain("dev eth0");
    expect(after.match(/dev eth0/g)).toHaveLength(2);
    expect(stderr).toContain("ipv4 inbound: redirected");
    expect(code).toBe(0);
    expect(pod.run(["nft", "list", "ruleset"]).stdout).toContain("redirect to :15001");
  });

  it("tries again where netfilter can't be programmed at once: others share the network already", async () => {
    const { code, stdout } = await hold({
      weft: `echo "$*" >> ${folder}/log; [ $(wc -l < ${folder}/log) -gt 2 ]`,
      setpriv: `echo "holds $*"\n${ROUTES}`,
      sleep: ":",
    });
    expect(stdout).toMatch(/^holds --reuid 1337/);
    expect(stdout.match(/dev eth0/g)).toHaveLength(2);
    expect(code).toBe(0);
  });

  it("leaves it closed where netfilter can't be programmed", async () => {
    const { code } = await hold({ weft: "exit 1", sleep: ":" });
    expect(code).toBe(1);
    expect(pod.run(["sh", "-c", ROUTES]).stdout).not.toContain("dev eth0");
  });
});
