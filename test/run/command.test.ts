/**
 * The command under `weft run` is as if there were no `weft run`: its exit code, signals, standard streams and terminal are its own,
 * and nothing is left when it has ended, however it has.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants as files, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram, requires } from "../harness/requires.ts";
import { beside, MAIN, program, service, TestMesh, until } from "./weft-run.ts";

const WEFT = beside("../../bin/weft");
let mesh: TestMesh;
beforeAll(async () => {
  mesh = await TestMesh.start([service("job", 80)]);
});
afterAll(() => mesh.close());

const sh = (script: string) => ["/bin/sh", "-c", script];
const run = (command: readonly string[], input?: Buffer) => mesh.run("job", ["--quiet"], command, input);

describe("the exit code", () => {
  const cases: readonly (readonly [what: string, command: readonly string[], code: number])[] = [
    ["of a job that is done", ["true"], 0],
    ["of one that is not", sh("exit 1"), 1],
    ["that Weft has too", sh("exit 125"), 125],
    ["that is the largest", sh("exit 255"), 255],
    ["of a script without an interpreter", ["./script", "3"], 3],
    ["where there is no such command", ["nonesuch"], 127],
    ["where there is no such file", ["./nonesuch"], 127],
    ["where it may not be executed", ["./token"], 126],
    ["where it is a folder", ["/tmp"], 126],
    ["where its interpreter is not there", ["./orphan"], 126],
    ["where it is for another machine", ["./foreign"], 126],
  ];
  it.each(cases)("%s", async (_what, command, code) => {
    writeFileSync(join(mesh.folder, "script"), 'exit "$1"\n', { mode: 0o755 });
    writeFileSync(join(mesh.folder, "token"), "", { mode: 0o644 });
    writeFileSync(join(mesh.folder, "orphan"), "#!/nonesuch/sh\n", { mode: 0o755 });
    writeFileSync(join(mesh.folder, "foreign"), "\x7fELF, or not", { mode: 0o755 });
    const ended = await run(command);
    expect(ended).toMatchObject({ code, signal: null });
    expect(ended.stderr).toMatch(code < 126 || code > 127 ? /^$/ : /^error: .*\n(?: {2}.*\n)?$/);
  });

  it.each([
    [["--nonsense"]],
    [["--port", "http"]],
    [["--labels", "x"]],
    [["--address", "localhost"]],
    [["--control-plane", "here"]],
    [["--wait", "long"]],
    [["--trust-bundle", "nonesuch"]],
    [["--service", "Web"]],
    [["--trust-bundle", "."]],
    [["--join-token-file", "empty"]],
  ])("of a command line with %j is 2", async (flags) => {
    writeFileSync(join(mesh.folder, "empty"), "\n");
    const { code, stdout, stderr } = await mesh.run("job", flags, ["echo", "started"]);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: /);
  });

  it("where --transparent has no root is 125, whatever else is wrong", () => {
    const flags = ["--transparent", "--insecure", "--control-plane", "127.0.0.1:1", "--service", "job"];
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "run", ...flags, "--", "true"], {
      ...nobody,
      env: { PATH: process.env["PATH"] ?? "" },
      encoding: "utf8",
    });
    expect(stderr).toMatch(/^error: --transparent needs Linux and root\n/);
    expect(status).toBe(125);
  });

  it("where there is no room for the sidecar's files is 125", async () => {
    const running = await mesh.start("job", [], ["echo", "started"], { TMPDIR: "/nonesuch" });
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/^error: no folder for the sidecar's files: .*\/nonesuch.*\n {2}TMPDIR .*\n$/);
    expect(code).toBe(125);
  });

  it("where the port that others are to reach is taken is 125, at once", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const flags = ["--port", "1", "--inbound-port", String(port), "--wait", "50s"];
    const { code, stderr } = await mesh.run("job", flags, ["echo", "started"]);
    other.close();
    expect(stderr).toContain(`port ${port} of 127.0.0.1 is taken`);
    expect(code).toBe(125);
  });
});

/** Of those that can be caught: what Node cannot listen for, or the kernel sends with a fault, is left out. */
const SIGNALS = Object.keys(constants.signals).filter(
  (name) => !/^SIG(?:KILL|STOP|PROF|SEGV|BUS|FPE|ILL|CHLD|IOT|POLL|UNUSED|STKFLT|SYS|TRAP|ABRT)$/.test(name),
) as NodeJS.Signals[];

describe("a signal", () => {
  it("comes once, whichever it is", async () => {
    const listener = await mesh.start("job", [], program("signals", ...SIGNALS));
    expect(await listener.line()).toBe("listening");
    for (const signal of SIGNALS) {
      listener.child.kill(signal);
      expect(await listener.line()).toBe(signal);
    }
    listener.child.kill("SIGTERM");
    const { code, stdout } = await listener.ended;
    expect(code).toBe(3);
    const lines = stdout.toString().trimEnd().split("\n");
    expect(lines).toEqual(["listening", ...SIGNALS, "SIGTERM"]);
    await listener.gone();
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGKILL", "SIGPIPE", "SIGUSR1"] as const)(
    "that nobody catches ends it: %s",
    async (signal) => {
      const running = await mesh.start("job", [], sh("ulimit -c 0; echo started; exec sleep 60"));
      expect(await running.line()).toBe("started");
      running.child.kill(signal);
      expect(await running.ended).toMatchObject({ code: null, signal });
      await running.gone();
    },
  );

  it("during the start ends that, and nothing is left", async () => {
    const running = await mesh.start("job", [], ["echo", "started"]);
    await until(() => running.companions.length > 0, "the sidecar's start");
    running.child.kill("SIGTERM");
    const ended = await running.ended;
    await running.gone();
    expect(ended).toMatchObject({ signal: "SIGTERM", stdout: Buffer.alloc(0) });
  });
});

describe("the command's streams", () => {
  it("carry a megabyte of any bytes, in and out", async () => {
    const bytes = randomBytes(1_048_576);
    const { stdout, stderr, code } = await run(["cat"], bytes);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.equals(bytes)).toBe(true);
  });

  it("block, as they did before", async () => {
    const { stdout } = await run(sh("for fd in 0 1 2; do grep flags /proc/self/fdinfo/$fd; done"));
    const flags = stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => Number.parseInt(line.split("\t")[1] ?? "", 8));
    expect(flags).toHaveLength(3);
    for (const each of flags) expect(each & files.O_NONBLOCK).toBe(0);
  });

  it("are all that it inherits, and no signal is ignored", async () => {
    const script = "ls /proc/self/fd; grep SigIgn /proc/self/status";
    const { stdout } = await run(sh(script));
    const plain = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8", input: "" });
    expect(stdout.toString()).toBe(plain.stdout);
  });
});

it("the environment tells of the sidecar, and not what it enrols with", async () => {
  const surrounding = {
    WEFT_JOIN_TOKEN: "secret",
    WEFT_LABELS: "a=b",
    http_proxy: "http://elsewhere",
    KEPT: "yes",
  };
  const running = await mesh.start("job", ["--port", "4321"], ["env"], surrounding);
  const { stdout } = await running.ended;
  const env = Object.fromEntries(
    stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => line.split(/=(.*)/s)),
  );
  expect(env).toMatchObject({ KEPT: "yes", PORT: "4321", HOST: "127.0.0.1", NODE_USE_ENV_PROXY: "1" });
  expect(env.http_proxy).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(env.WEFT_WORKLOAD).toBe(`default/${running.workload}`);
  expect(Object.keys(env).filter((name) => name.startsWith("WEFT_"))).toEqual(["WEFT_WORKLOAD"]);
  await running.gone();
});

it("may have as many files open as before", async () => {
  const command = await mesh.command(`job-t${process.pid}-files`, "job", ["--quiet"]);
  const flags = command.slice(command.indexOf("run"));
  const script = 'ulimit -S -n 300; exec "$0" "$@" -- sh -c "ulimit -S -n"';
  const { stdout, stderr } = spawnSync("/bin/sh", ["-c", script, WEFT, ...flags], { encoding: "utf8" });
  expect(stdout, stderr).toBe("300\n");
});

it("the command has no children that are not its own", async () => {
  const { stdout } = await run(sh("cat /proc/$$/task/$$/children; echo end"));
  expect(stdout.toString()).toMatch(/^(?:\d+ )?end\n$/);
});

requires("script")("on a terminal", () => {
  it("Ctrl-C reaches the command once, and what is typed", async () => {
    const command = await mesh.command(`job-t${process.pid}-tty`, "job", ["--quiet"]);
    const script = 'read line; echo "read $line"; exec "$@"\n';
    writeFileSync(join(mesh.folder, "reader"), script, { mode: 0o755 });
    const line = [...command, "--", "./reader", ...program("signals", "SIGINT", "SIGTERM")].join(" ");
    const child = spawn(
      findProgram("script") ?? "",
      ["--quiet", "--return", "--command", line, "/dev/null"],
      {
        stdio: ["pipe", "pipe", "inherit"],
        cwd: mesh.folder,
      },
    );
    let seen = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      seen += chunk;
    });
    const closed = once(child, "close");
    child.stdin.write("words\n");
    const hasStarted = () => seen.includes("read words") && seen.includes("listening");
    await until(hasStarted, "the command's start");
    for (let n = 1; n <= 3; n++) {
      child.stdin.write("\x03");
      await until(() => seen.split("SIGINT").length - 1 >= n, "a SIGINT");
    }
    child.stdin.write("\x1c");
    await closed;
    expect(
      seen
        .replaceAll(/\^[C\\]/g, "")
        .replaceAll(/\s+/g, " ")
        .trim(),
    ).toMatch(/^words read words listening SIGINT SIGINT SIGINT/);
    expect(seen.split("SIGINT").length - 1).toBe(3);
  });
});
