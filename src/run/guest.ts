/**
 * A network namespace for one program and its sidecar, joined to the host by a pair of interfaces: what `weft run --transparent` makes
 * and what it needs. All traffic in it is led through the sidecar, as in a pod.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { nftBackend } from "../intercept/nft.ts";
import { tablesOf } from "../intercept/rules.ts";
import { DEFAULTS } from "../intercept/settings.ts";
import type { Shell } from "../intercept/shell.ts";
import { forwardRules, type GuestNames, guestNames, removalScript, removeAbandoned } from "./guest-names.ts";
import { hostRules, type Published } from "./guest-rules.ts";
import { resolvConf } from "./resolvers.ts";
import { RunError } from "./settings.ts";
import { anyEnds, areTaken, type Ends, type Range } from "./subnet.ts";

const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
/** Programs, and what to install for them. */
const PACKAGES = { ip: "iproute2", nft: "nftables", setpriv: "util-linux", getent: "libc-bin" } as const;
const MAX_TRIES = 20;
/** Where the sidecar answers questions about names. */
export const DNS_PORT = 15_053;

export interface GuestOptions {
  /** Where the sidecar is reached. */
  readonly published: Published;
  /** Addresses of the pair are taken from there. */
  readonly range: Range;
  /** The host's forwarding may be switched on. */
  readonly mayForward: boolean;
}

export interface Guest {
  readonly names: GuestNames;
  /** Its own address. */
  readonly address: string;
  /** Shell commands that take it away. */
  readonly removal: string;
}

/** Makes it, for this process, on a machine that `checkMachine` has looked at. Throws a RunError, and leaves nothing then. */
export function makeGuest(options: GuestOptions, shell: Shell): Guest {
  checkForwarding(options.mayForward);
  removeAbandoned(shell);
  const names = guestNames(process.pid);
  const removal = removalScript(names);
  try {
    const ends = joinedEnds(names, options.range, shell);
    lead(names, ends.host, shell);
    const rules = hostRules(names, ends.guest, options.published, DEFAULTS.inboundPort);
    must(shell("nft", ["-f", "-"], rules), "nft -f -");
    letPass(names, shell);
    mkdirSync(names.etc, { recursive: true });
    // Nobody listens there: it is the address that the sidecar is asked by.
    writeFileSync(`${names.etc}/resolv.conf`, resolvConf(ends.host));
    return { names, address: ends.guest, removal };
  } catch (error) {
    shell("/bin/sh", ["-c", removal]);
    if (error instanceof RunError) throw error;
    throw new RunError(`the network namespace could not be made: ${(error as Error).message}`);
  }
}

/** Throws a RunError where no namespace could be made. */
export function checkMachine(shell: Shell): void {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    throw new RunError("--transparent needs Linux and root", ["sudo weft run --transparent …"]);
  for (const [program, name] of Object.entries(PACKAGES)) {
    const { isDone, problem } = shell("/bin/sh", ["-c", `command -v ${program}`]);
    if (!isDone) throw new RunError(`--transparent needs ${program}, of the package ${name}: ${problem}`);
  }
}

function checkForwarding(mayForward: boolean): void {
  if (readFileSync(FORWARDING, "utf8").trim() !== "0") return;
  if (!mayForward) {
    throw new RunError("this machine forwards no packets, and the program would reach nobody but it", [
      "--ip-forward switches it on (sysctl net.ipv4.ip_forward=1), and leaves it on",
    ]);
  }
  writeFileSync(FORWARDING, "1\n");
}

/** The namespace and the pair, with addresses of its own. */
function joinedEnds({ namespace, link }: GuestNames, range: Range, shell: Shell): Ends {
  batch([`netns add ${namespace}`, `link add ${link} type veth peer name eth0 netns ${namespace}`], shell);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const ends = anyEnds(range);
    batch([`addr flush dev ${link}`, `addr add ${ends.host}/30 dev ${link}`, `link set ${link} up`], shell);
    if (areTaken(ends, link)) continue;
    const inside = [
      `addr add ${ends.guest}/30 dev eth0`,
      "link set lo up",
      "link set eth0 up",
      `route add default via ${ends.host}`,
    ];
    batch(inside, shell, ["-n", namespace]);
    return ends;
  }
  throw new RunError("no free addresses for a network namespace", ["--network RANGE takes others"]);
}

/** Leads what happens there through the sidecar, as `weft init` does; it answers all that `resolver` is asked. */
function lead({ namespace }: GuestNames, resolver: string, shell: Shell): void {
  const inside: Shell = (program, args, input) =>
    shell("ip", ["netns", "exec", namespace, program, ...args], input);
  const settings = { ...DEFAULTS, dns: { port: DNS_PORT, servers: [resolver] } };
  const applied = nftBackend(inside).apply(tablesOf(settings, ["ipv4"]));
  if (applied.kind === "failed") throw new RunError(`${applied.program}: ${applied.problem}`);
}

/** Docker sets iptables to drop what is forwarded: no table of ours can overrule that. */
function letPass(names: GuestNames, shell: Shell): void {
  if (!shell("iptables", ["-S", "FORWARD"]).stdout.startsWith("-P FORWARD DROP")) return;
  for (const [chain = "", ...rule] of forwardRules(names))
    must(shell("iptables", ["-I", chain, "1", ...rule]), "iptables");
}

function batch(lines: readonly string[], shell: Shell, options: readonly string[] = []): void {
  must(shell("ip", [...options, "-batch", "-"], `${lines.join("\n")}\n`), "ip");
}

function must({ isDone, problem }: ReturnType<Shell>, program: string): void {
  if (!isDone) throw new RunError(`${program}: ${problem}`);
}
