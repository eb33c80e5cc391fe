/**
 * Rules as input of `iptables-restore --noflush`, which takes a table whole or not at all. Ours are chains of our own and one jump
 * to each of those that hang at a hook. Which of them an earlier run has left is read from `iptables-save`: they are emptied or
 * removed in the same step that makes the new ones, so that it does not matter whether that run came to its end.
 */
import type { Chain, Rule, Table, Verdict } from "./rules.ts";
import type { PortRange } from "./settings.ts";

const PREFIX = "WEFT_";

/** What of ours is in a table. */
export interface Leftovers {
  /** Names of chains. */
  readonly chains: readonly string[];
  /** Rules of others' chains that lead to them, as `iptables-save` prints them. */
  readonly jumps: readonly string[];
}

/** Reads `iptables-save -t TABLE`. */
export function leftoversOf(saved: string): Leftovers {
  const lines = saved.split("\n");
  const chains = lines.flatMap((line) => /^:(WEFT_[A-Z_]+) /.exec(line)?.[1] ?? []);
  const jumps = lines.filter((line) => /^-A (?!WEFT_)[^"]* -[jg] WEFT_[A-Z_]+( |$)/.test(line));
  return { chains, jumps };
}

/** Input that programs `table` instead of what is there. */
export function iptablesText({ kind, chains }: Table, { chains: old, jumps }: Leftovers): string {
  const names = new Set(chains.map(({ name }) => chainName(name)));
  const hooked = chains.filter((chain): chain is Hooked => chain.hook !== undefined);
  const lines = [
    // Naming a chain makes it, and empties it where it is there.
    ...[...names].map((name) => `:${name} - [0:0]`),
    ...jumps.map(deletion),
    ...emptied(old.filter((name) => !names.has(name))),
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `-A ${chainName(name)} ${ruleText(rule)}`)),
    // Before others' rules: the first that redirects a connection decides.
    ...hooked.map(({ hook, name }) => `-I ${hook.toUpperCase()} 1 -j ${chainName(name)}`),
  ];
  return tableText(kind, lines);
}

/** Input that takes away what is there; empty where nothing is. */
export function iptablesClearText(kind: Table["kind"], { chains, jumps }: Leftovers): string {
  if (chains.length === 0 && jumps.length === 0) return "";
  return tableText(kind, [...jumps.map(deletion), ...emptied(chains)]);
}

type Hooked = Chain & { readonly hook: string };

function tableText(kind: Table["kind"], lines: readonly string[]): string {
  return `*${kind}\n${lines.map((line) => `${line}\n`).join("")}COMMIT\n`;
}

/** All are emptied before the first is removed: one may lead to another. */
function emptied(chains: readonly string[]): readonly string[] {
  return [...chains.map((name) => `-F ${name}`), ...chains.map((name) => `-X ${name}`)];
}

function deletion(jump: string): string {
  return jump.replace(/^-A/, "-D");
}

function chainName(name: string): string {
  return PREFIX + name.toUpperCase();
}

function ruleText(rule: Rule): string {
  const { owner } = rule;
  const words = [
    ...(rule.isLoopback ? ["-o lo"] : []),
    ...(rule.from === undefined ? [] : [`-s ${rule.from}`]),
    ...(rule.to === undefined ? [] : [`-d ${rule.to}`]),
    ...(rule.notTo === undefined ? [] : [`! -d ${rule.notTo}`]),
    ...(rule.protocol === undefined ? [] : [`-p ${rule.protocol}`]),
    ...(rule.fromPort === undefined ? [] : [`--sport ${rule.fromPort}`]),
    ...(rule.toPort === undefined ? [] : [`--dport ${portsText(rule.toPort)}`]),
    ...(owner === undefined
      ? []
      : [`-m owner ${"uid" in owner ? `--uid-owner ${owner.uid}` : `--gid-owner ${owner.gid}`}`]),
  ];
  return [...words, verdictText(rule.verdict)].join(" ");
}

function portsText({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}:${last}`;
}

function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case "return":
      return "-j RETURN";
    case "call":
      return `-j ${chainName(verdict.chain)}`;
    case "redirect":
      return `-j REDIRECT --to-ports ${verdict.port}`;
    case "zone":
      return `-j CT --zone ${verdict.zone}`;
  }
}
