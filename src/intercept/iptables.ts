/**
 * iptables: one `iptables-restore` per family. Between the two the machine may be killed; the next run puts right what that leaves.
 * On top of nf_tables, as distributions have it by default, or legacy where the kernel has no nf_tables.
 */
import { type Applied, appliedBy, DONE, FAMILIES, type MakeBackend } from "./backend.ts";
import { iptablesClearText, iptablesText, leftoversOf } from "./iptables-text.ts";
import type { Table, TableKind } from "./rules.ts";
import type { Family } from "./settings.ts";

const PROGRAMS: Readonly<Record<Family, string>> = { ipv4: "iptables", ipv6: "ip6tables" };
/** What follows the program's name. */
const VARIANTS = ["", "-legacy"] as const;
const KINDS: readonly TableKind[] = ["nat", "raw"];
const NOTHING = { chains: [], jumps: [] };
/** Seconds to wait for others who change the rules. */
const LOCK_WAIT = "5";

export const iptablesBackend: MakeBackend = (shell) => {
  let variant: (typeof VARIANTS)[number] = "";
  const leftovers = (family: Family, kind: TableKind) =>
    leftoversOf(shell(`${PROGRAMS[family]}${variant}-save`, ["-t", kind]).stdout);
  const restore = (family: Family, input: string): Applied => {
    if (input === "") return DONE;
    const program = `${PROGRAMS[family]}${variant}-restore`;
    return appliedBy(program, shell(program, ["-w", LOCK_WAIT, "--noflush"], input));
  };
  const each = (inputOf: (family: Family, kind: TableKind) => string): Applied => {
    for (const family of FAMILIES) {
      const applied = restore(family, KINDS.map((kind) => inputOf(family, kind)).join(""));
      if (applied.kind === "failed") return applied;
    }
    return DONE;
  };
  return {
    name: "iptables",
    problem: () => {
      const problems: string[] = [];
      for (const name of VARIANTS) {
        const { isDone, problem } = shell(`iptables${name}`, ["-w", LOCK_WAIT, "-t", "nat", "-S", "OUTPUT"]);
        if (isDone) {
          variant = name;
          return undefined;
        }
        problems.push(problem);
      }
      return [...new Set(problems)].join("; ");
    },
    text: (tables) =>
      tables.map((table) => `# ${PROGRAMS[table.family]}\n${iptablesText(table, NOTHING)}`).join(""),
    apply: (tables: readonly Table[]) =>
      each((family, kind) => {
        const table = tables.find((candidate) => candidate.family === family && candidate.kind === kind);
        const old = leftovers(family, kind);
        return table === undefined ? iptablesClearText(kind, old) : iptablesText(table, old);
      }),
    clear: () => each((family, kind) => iptablesClearText(kind, leftovers(family, kind))),
  };
};
