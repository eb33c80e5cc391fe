/**
 * `weft run --transparent` on machines of the test's own (network namespaces): programs that know nothing of a mesh, in namespaces
 * within them.
 */
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { API, startApplication } from "../netns/mesh.ts";
import { Network, type Outcome, type Pod, type Running } from "../netns/network.ts";
import { type Answer, MAIN, processes, program, until } from "./weft-run.ts";

const CATALOG = "198.19.0.10";
/** Out of the network's range, and none of the addresses of its machines. */
const RANGE = "198.19.128.0/17";
const FREE_PORT = 8_080;
const NOBODY = 65_534;

const DOCUMENT = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "catalog" },
  spec: { clusterIP: CATALOG, ports: [{ name: "http", port: 8_080 }] },
};

requires(
  "root",
  "ip",
  "nft",
  "setpriv",
)("transparent runs", () => {
  let network: Network;
  let folder: string;
  let plane: Pod;
  let here: Pod;
  let there: Pod;
  let outside: Pod;
  const tokens = new Map<string, string>();
  let count = 0;

  beforeAll(async () => {
    network = new Network();
    folder = mkdtempSync(join(tmpdir(), "weft-test-run-"));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "config"));
    writeFileSync(join(folder, "config", "mesh.yaml"), JSON.stringify(DOCUMENT));
    [plane, here, there] = [network.pod(200), network.pod(1), network.pod(2)];
    outside = network.pod(3);
    await plane.start(MAIN, [
      ...["control-plane", "--config", join(folder, "config"), "--state-dir", join(folder, "state")],
      ...["--host", "0.0.0.0"],
    ]);
    for (const account of ["web", "catalog"]) {
      const create = ["token", "create", "--service-account", account, "--uses", "1000", "--api", API];
      tokens.set(account, plane.run([process.execPath, MAIN, ...create]).stdout.trim());
    }
    for (const machine of [here, there]) forwarding(machine, 1);
    await startApplication(outside, { http: [FREE_PORT] });
  });
  afterAll(async () => {
    await network.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const forwarding = (machine: Pod, is: 0 | 1) =>
    machine.run(["sh", "-c", `echo ${is} > /proc/sys/net/ipv4/ip_forward`]);
  const workload = (account: string) => `${account}-t${process.pid}-${++count}`;
  const line = (account: string, name: string, flags: readonly string[], command: readonly string[]) => [
    ...["run", "--control-plane", `${plane.ipv4}:15012`, "--service", account, "--workload", name],
    ...["--trust-bundle", join(folder, "state", "trust-bundle.pem"), "--network", RANGE],
    // On a machine that has much else to do; what is given comes after it.
    ...["--wait", "40s", ...flags, "--", ...command],
  ];
  const env = (account: string) => ({ WEFT_JOIN_TOKEN: tokens.get(account) ?? "" });

  /** One that goes on. */
  async function start(
    machine: Pod,
    account: string,
    flags: readonly string[],
    command: readonly string[],
  ): Promise<Running & { readonly workload: string }> {
    const name = workload(account);
    const running = await machine.start(MAIN, line(account, name, flags, command), { env: env(account) });
    return { ...running, workload: name };
  }

  /** One that ends. */
  function run(machine: Pod, flags: readonly string[], command: readonly string[], input = ""): Outcome {
    const all = [process.execPath, MAIN, ...line("web", workload("web"), ["--quiet", ...flags], command)];
    const variables = Object.entries(env("web")).map(([name, value]) => `${name}=${value}`);
    return machine.run(["env", ...variables, ...all], input);
  }

  const serve = (machine: Pod, name: string, flags: readonly string[] = ["--transparent"]) =>
    start(machine, "catalog", ["--port", "8080", ...flags], program("server", name));
  const call = (machine: Pod, flags: readonly string[] = ["--transparent"]) =>
    start(machine, "web", flags, program("caller"));

  async function get({ child, lines }: Running, url: string): Promise<Answer> {
    const next = once(lines, "line");
    child.stdin.write(`${url}\n`);
    return JSON.parse(String((await next)[0])) as Answer;
  }

  /** What the machine has of transparent runs. */
  function traces(machine: Pod): readonly string[] {
    const tables = machine.run(["nft", "list", "tables"]).stdout;
    const links = machine.run(["ip", "-brief", "link"]).stdout;
    return [...`${tables}\n${links}`.matchAll(/weft[-_][-_\w]*\d+/g)].map(([found]) => found);
  }

  async function stop(machine: Pod, running: Running & { readonly workload: string }): Promise<void> {
    const closed = once(running.child, "close");
    running.child.kill("SIGKILL");
    await closed;
    await until(() => processes(`default/${running.workload}`).length === 0, "the end of its sidecar");
    await until(
      () => traces(machine).every((name) => !name.includes(`${running.child.pid}`)),
      "the clean-up",
    );
  }

  const body = ({ text }: Answer) => JSON.parse(text) as { name: string; headers: Record<string, string> };
  const untilCalled = (caller: Running, url: string) =>
    until(async () => (await get(caller, url)).status === 200, `an answer of ${url}`);
  const byAddress = `http://${CATALOG}:8080/`;
  const byName = "http://catalog:8080/";

  it("calls and is called: on another machine, on the same one, and by programs that are told of their proxy", async () => {
    const catalog = await serve(here, "one");
    expect(catalog.stderr()).toMatch(
      new RegExp(
        `^weft: sidecar default/${catalog.workload}, instance of catalog, reached at ${here.ipv4}:\\d+`,
      ),
    );
    const callers = await Promise.all([call(there), call(here), call(there, [])]);
    const urls = [byName, byAddress, byName];
    for (const [n, caller] of callers.entries()) {
      await untilCalled(caller, urls[n] ?? "");
      const { name, headers } = body(await get(caller, urls[n] ?? ""));
      expect(name).toBe("one");
      expect(headers["x-forwarded-client-cert"]).toMatch(/By=.*\/sa\/catalog;.*URI=.*\/sa\/web$/);
    }
    for (const [n, caller] of callers.entries()) await stop(n === 1 ? here : there, caller);
    await stop(here, catalog);
    expect(traces(here)).toEqual([]);
    expect(traces(there)).toEqual([]);
  });

  it("reaches what the machine reaches, as the machine", async () => {
    const caller = await call(here);
    const answer = await get(caller, `http://${outside.ipv4}:${FREE_PORT}/`);
    expect(JSON.parse(answer.text)).toMatchObject({ from: here.ipv4 });
    await stop(here, caller);
  });

  it("is not started where packets are not forwarded, but if that may be switched on", () => {
    forwarding(here, 0);
    const refused = run(here, ["--transparent"], ["true"]);
    expect(refused.stderr).toMatch(
      /^error: this machine forwards no packets.*\n {2}--ip-forward switches it on/,
    );
    expect(refused.code).toBe(125);
    const started = run(here, ["--transparent", "--ip-forward"], ["true"]);
    expect(started, started.stderr).toMatchObject({ code: 0 });
    expect(here.run(["cat", "/proc/sys/net/ipv4/ip_forward"]).stdout).toBe("1\n");
  });

  requires("iptables")("with a firewall that drops what is forwarded, as Docker's", () => {
    it("is let pass, and leaves no rule", async () => {
      here.run(["iptables", "-P", "FORWARD", "DROP"]);
      const caller = await call(here);
      const answer = await get(caller, `http://${outside.ipv4}:${FREE_PORT}/`);
      expect(JSON.parse(answer.text)).toMatchObject({ from: here.ipv4 });
      await stop(here, caller);
      const rules = () => here.run(["iptables", "-S", "FORWARD"]).stdout;
      await until(() => rules() === "-P FORWARD DROP\n", "the clean-up");
      here.run(["iptables", "-P", "FORWARD", "ACCEPT"]);
    });
  });

  it("goes on when its sidecar is killed", async () => {
    const [catalog, caller] = await Promise.all([serve(here, "one"), call(there)]);
    await untilCalled(caller, byAddress);
    for (const one of [catalog, caller]) {
      const sidecar = () => processes(`default/${one.workload}`).filter((pid) => isSidecar(pid));
      const [before] = sidecar();
      expect(before).toBeGreaterThan(1);
      process.kill(before ?? process.pid, "SIGKILL");
      await until(() => sidecar().some((pid) => pid !== before), "another sidecar");
      await untilCalled(caller, byAddress);
    }
    await stop(here, catalog);
    await stop(there, caller);
  });

  it("several do not meet", async () => {
    const callers = await Promise.all(Array.from({ length: 4 }, () => call(here)));
    expect(traces(here).filter((name) => name.startsWith("weft-")).length).toBe(4);
    for (const caller of callers)
      expect((await get(caller, `http://${outside.ipv4}:${FREE_PORT}/`)).status).toBe(200);
    for (const caller of callers) await stop(here, caller);
    expect(traces(here)).toEqual([]);
  });

  it("what all that was killed has left, the next one takes away", async () => {
    const caller = await call(here);
    const closed = once(caller.child, "close");
    for (const pid of [...processes(`default/${caller.workload}`), caller.child.pid ?? process.pid]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It went with the one before.
      }
    }
    await closed;
    expect(traces(here).length).toBeGreaterThan(0);
    expect(run(here, ["--transparent"], ["true"]).code).toBe(0);
    await until(() => traces(here).length + leftovers().length === 0, "the clean-up");
  });

  describe("a command", () => {
    it.each([
      [["sh", "-c", "cat; exit 5"], { code: 5, stdout: "what came" }],
      [["nonesuch"], { code: 127, stdout: "" }],
      [["sh", "-c", "kill -TERM $$"], { code: null }],
      [["id", "-u"], { code: 0, stdout: "0\n" }],
    ])("%j", (command, ended) => {
      expect(run(here, ["--transparent"], command, "what came")).toMatchObject(ended);
    });

    it("runs as the user that is asked for, at home there", () => {
      const { stdout, stderr } = run(
        here,
        ["--transparent", "--user", "nobody"],
        ["sh", "-c", "id -u; echo $HOME $USER"],
      );
      expect(stdout, stderr).toBe(`${NOBODY}\n/nonexistent nobody\n`);
    });
  });

  describe("is not started, and nothing is left,", () => {
    it.each([
      ["on loopback", ["--control-plane", "127.0.0.1:1", "--wait", "1s"], "does not answer: ECONNREFUSED"],
      ["elsewhere", ["--address", "198.18.0.77"], "198.18.0.77 is no address of this machine"],
      ["as nobody that there is", ["--user", "nonesuch"], 'there is no user "nonesuch"'],
      ["as the sidecar's user", ["--user", "1337"], "user 1337 is the sidecar's"],
      [
        "where the sidecar is refused",
        ["--service", "nonesuch", "--service-account", "web", "--port", "1"],
        "there is no Service default/nonesuch",
      ],
    ])("%s", async (_what, flags, message) => {
      const { code, stderr } = run(here, ["--transparent", ...flags], ["true"]);
      expect(stderr).toContain(message);
      expect(code).toBe(125);
      await until(() => traces(here).length === 0, "the clean-up");
    });
  });
});

/** Not the shell that keeps it. */
function isSidecar(pid: number): boolean {
  return processes(process.execPath).includes(pid) && !processes("/bin/sh").includes(pid);
}

/** Files of namespaces that are gone. */
function leftovers(): readonly string[] {
  return ["/run/netns", "/etc/netns"]
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path))
    .filter((name) => name.startsWith("weft-run-"));
}
