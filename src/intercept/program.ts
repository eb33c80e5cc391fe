/**
 * Programs the machine: picks the back end, applies the rules, takes away what the other back end may have left, and gives the
 * loopback interface the IPv6 address that the sidecar connects from (of IPv4 it has all of 127.0.0.0/8 anyway).
 */
import { networkInterfaces } from "node:os";
import { type Applied, BACKENDS, type Backend, type BackendName, DONE, type MakeBackend } from "./backend.ts";
import { iptablesBackend } from "./iptables.ts";
import { nftBackend } from "./nft.ts";
import { INBOUND_SOURCE, type Table } from "./rules.ts";
import type { Family } from "./settings.ts";
import type { Shell } from "./shell.ts";

const MAKERS: Readonly<Record<BackendName, MakeBackend>> = { nft: nftBackend, iptables: iptablesBackend };
const SOURCE = INBOUND_SOURCE.ipv6;

export type Choice =
  | { readonly kind: "backend"; readonly backend: Backend }
  /** None can be used; why, by back end. */
  | { readonly kind: "none"; readonly problems: readonly string[] };

/** A back end, whether it can be used or not. */
export function backendOf(name: BackendName, shell: Shell): Backend {
  return MAKERS[name](shell);
}

/** `auto`: nftables where it works, else iptables. */
export function chooseBackend(wish: BackendName | "auto", shell: Shell): Choice {
  const problems: string[] = [];
  for (const name of wish === "auto" ? BACKENDS : [wish]) {
    const backend = backendOf(name, shell);
    const problem = backend.problem();
    if (problem === undefined) return { kind: "backend", backend };
    problems.push(`${name}: ${problem}`);
  }
  return { kind: "none", problems };
}

/** Families that this machine's interfaces have. */
export function presentFamilies(): readonly Family[] {
  const has6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ family }) => family === "IPv6"),
  );
  return has6 ? ["ipv4", "ipv6"] : ["ipv4"];
}

export type Programmed =
  | { readonly kind: "done"; readonly backend: Backend }
  /** None could do it; why, by back end. */
  | { readonly kind: "none"; readonly problems: readonly string[] };

/** By the first back end that takes these rules: a kernel may have nftables, and not what they need of it. */
export function programBy(wish: BackendName | "auto", tables: readonly Table[], shell: Shell): Programmed {
  const problems: string[] = [];
  for (const name of wish === "auto" ? BACKENDS : [wish]) {
    const choice = chooseBackend(name, shell);
    if (choice.kind === "none") problems.push(...choice.problems);
    else {
      const applied = program(choice.backend, tables, shell);
      if (applied.kind === "done") return { kind: "done", backend: choice.backend };
      problems.push(`${name}: ${applied.program}: ${applied.problem}`);
    }
  }
  return { kind: "none", problems };
}

/** Leaves exactly these rules. A machine that has had the rules of both back ends would follow both. */
function program(backend: Backend, tables: readonly Table[], shell: Shell): Applied {
  const applied = backend.apply(tables);
  if (applied.kind === "failed") return applied;
  for (const other of usable(shell)) {
    const cleared = other.name === backend.name ? DONE : other.clear();
    if (cleared.kind === "failed") return cleared;
  }
  return tables.some(({ family }) => family === "ipv6") ? addSource(shell) : DONE;
}

/** Takes away all that `program` has ever made here, with whichever back end. */
export function clear(shell: Shell): Applied {
  for (const backend of usable(shell)) {
    const cleared = backend.clear();
    if (cleared.kind === "failed") return cleared;
  }
  return hasSource() ? address("del", shell) : DONE;
}

function usable(shell: Shell): readonly Backend[] {
  return BACKENDS.map((name) => backendOf(name, shell)).filter((backend) => backend.problem() === undefined);
}

function addSource(shell: Shell): Applied {
  return hasSource() ? DONE : address("add", shell);
}

function hasSource(): boolean {
  return (networkInterfaces()["lo"] ?? []).some(({ address }) => address === SOURCE);
}

function address(what: "add" | "del", shell: Shell): Applied {
  const args = ["-6", "addr", what, `${SOURCE}/128`, "dev", "lo"];
  const { isDone, problem } = shell("ip", args);
  return isDone ? DONE : { kind: "failed", program: `ip ${args.join(" ")}`, problem };
}
