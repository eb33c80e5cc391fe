/**
 * `weft`: finds the command and hands over. Nothing else is imported here, and a command's module only when it is the
 * one asked for: a sidecar keeps this process for its whole life, and every megabyte of a library that only `weft get`
 * needs would be paid once per workload (commander alone is 2.3 MB of anonymous memory).
 */
import { EXIT } from "./exit.ts";
import { type Io, processIo, type Run } from "./io.ts";
import { version } from "./version.ts";

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly run: Run }>;
}

const COMMANDS: readonly Entry[] = [
  {
    name: "up",
    summary: "run the whole mesh of a directory here: control plane, sidecars, applications",
    load: () => import("./up.ts"),
  },
  {
    name: "control-plane",
    summary: "compile resources and stream them to sidecars",
    load: () => import("./control-plane.ts"),
  },
  { name: "sidecar", summary: "take a workload's traffic", load: () => import("./sidecar.ts") },
  {
    name: "run",
    summary: "a program with a sidecar beside it, on any machine",
    load: () => import("./run.ts"),
  },
  {
    name: "init",
    summary: "netfilter rules that lead a workload's traffic through its sidecar",
    load: () => import("./init.ts"),
  },
  {
    name: "apply",
    summary: "create or change resources; --wait until every sidecar has them",
    load: () => import("./apply.ts"),
  },
  { name: "get", summary: "show resources", load: () => import("./get.ts") },
  { name: "delete", summary: "delete resources", load: () => import("./delete.ts") },
  {
    name: "status",
    summary: "which sidecar has applied what, and what it refused",
    load: () => import("./status.ts"),
  },
  {
    name: "check",
    summary: "what is wrong with the mesh, or soon will be, and what to do",
    load: () => import("./check.ts"),
  },
  { name: "token", summary: "make a join token for a sidecar", load: () => import("./token.ts") },
  {
    name: "cert",
    summary: "certificates, trusted roots, change of the root",
    load: () => import("./cert.ts"),
  },
  {
    name: "authz",
    summary: "would policy let this request pass, and what decides",
    load: () => import("./authz.ts"),
  },
  {
    name: "mirror",
    summary: "how the responses of mirrors differ from the real ones",
    load: () => import("./mirror.ts"),
  },
  {
    name: "install",
    summary: "print what runs the control plane in a Kubernetes cluster",
    load: () => import("./install.ts"),
  },
  {
    name: "inject",
    summary: "put sidecars into the pods of Kubernetes manifests",
    load: () => import("./inject.ts"),
  },
  { name: "uninject", summary: "take them out again", load: () => import("./uninject.ts") },
  { name: "wait", summary: "wait until the sidecar here is ready", load: () => import("./wait.ts") },
  { name: "validate", summary: "check files without a control plane", load: () => import("./validate.ts") },
  { name: "load", summary: "send requests at a rate and measure", load: () => import("./load.ts") },
];

const USAGE = `weft: a service mesh in TypeScript

usage: weft <command> [options]

${COMMANDS.map((c) => `  ${c.name.padEnd(15)}${c.summary}`).join("\n")}

  weft <command> --help    options and examples of a command
  weft --version           version of Weft and of the Node it runs on

examples:
  weft up config/demo                                  a mesh of five workloads with traffic, here and now
  weft apply -f config/samples/canary-50.yaml --wait   move half of the traffic to the new version
  weft status                                          has every sidecar got it?

exit codes: 0 done; 1 failed, or what was checked is invalid; 2 the command line was not understood
NO_COLOR=1 turns colours off; --json makes any command's output one for machines.
`;

/** Runs one command line (without node and script) and resolves with its exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    const topic = name === "help" ? COMMANDS.find((c) => c.name === rest[0]) : undefined;
    if (topic !== undefined) return (await topic.load()).run(["--help"], io);
    (name === undefined ? io.stderr : io.stdout).write(USAGE);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === "--version" || name === "-V") {
    io.stdout.write(`weft ${version()} (node ${process.versions.node})\n`);
    return EXIT.ok;
  }
  const entry = COMMANDS.find((c) => c.name === name);
  if (entry === undefined) {
    const names = COMMANDS.map((c) => c.name);
    const { closest } = await import("../resources/suggest.ts");
    const close = names.find((known) => known.startsWith(name)) ?? closest(name, names);
    const hint = close === undefined ? "" : `, did you mean "${close}"?`;
    io.stderr.write(`error: no command "${name}"${hint}\n  weft --help lists them\n`);
    return EXIT.usage;
  }
  return (await entry.load()).run(rest, io);
}

/** Whoever reads our output may stop reading (`weft get | head`): that ends us, quietly. */
function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.ok);
  });
}

if (import.meta.main) {
  endWithReader();
  if (process.env["WEFT_EXIT_WITH_STDIN"] === "1") (await import("./parent.ts")).exitWithParent();
  process.exitCode = await main(process.argv.slice(2), processIo());
}
