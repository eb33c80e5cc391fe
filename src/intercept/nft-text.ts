/**
 * Rules as a script for `nft -f`, which takes it whole or not at all. All of it is one table per family that nobody else writes
 * to: the script makes the table anew, so that whatever an earlier run left, whole or in part, is gone.
 */
import type { Chain, Rule, Table, TableKind, Verdict } from "./rules.ts";
import type { Family, PortRange } from "./settings.ts";

export const NFT_TABLE = "weft";
export const NFT_FAMILY: Readonly<Record<Family, "ip" | "ip6">> = { ipv4: "ip", ipv6: "ip6" };

/** Before others' rules of the same hook: the first that redirects a connection decides. */
const HOOK_TYPE: Readonly<Record<TableKind, string>> = {
  nat: "nat hook %s priority -101",
  raw: "filter hook %s priority -300",
};

/** The script that programs these tables, instead of whatever is there. */
export function nftText(tables: readonly Table[]): string {
  const families = [...new Set(tables.map(({ family }) => family))];
  return families
    .map((family) => {
      const own = tables.filter((table) => table.family === family);
      const chains = own.flatMap(({ kind, chains }) => chains.map((chain) => chainText(chain, kind, family)));
      return `${nftClearText([family])}table ${NFT_FAMILY[family]} ${NFT_TABLE} {\n${chains.join("\n")}}\n`;
    })
    .join("");
}

/** The script that takes it away again. It is no error if nothing is there. */
export function nftClearText(families: readonly Family[]): string {
  return families
    .map((family) => `${NFT_FAMILY[family]} ${NFT_TABLE}`)
    .map((name) => `table ${name}\ndelete table ${name}\n`)
    .join("");
}

function chainText({ name, hook, rules }: Chain, kind: TableKind, family: Family): string {
  const head = hook === undefined ? [] : [`type ${HOOK_TYPE[kind].replace("%s", hook)}; policy accept;`];
  const lines = [...head, ...rules.map((rule) => ruleText(rule, NFT_FAMILY[family]))];
  return `\tchain ${name} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}

function ruleText(rule: Rule, ip: "ip" | "ip6"): string {
  const { protocol, fromPort, toPort, owner } = rule;
  const names = protocol !== undefined && (fromPort !== undefined || toPort !== undefined);
  const words = [
    ...(rule.isLoopback ? ['oifname "lo"'] : []),
    ...(rule.from === undefined ? [] : [`${ip} saddr ${rule.from}`]),
    ...(rule.to === undefined ? [] : [`${ip} daddr ${rule.to}`]),
    ...(rule.notTo === undefined ? [] : [`${ip} daddr != ${rule.notTo}`]),
    ...(protocol !== undefined && !names ? [`meta l4proto ${protocol}`] : []),
    ...(names && fromPort !== undefined ? [`${protocol} sport ${fromPort}`] : []),
    ...(names && toPort !== undefined ? [`${protocol} dport ${portsText(toPort)}`] : []),
    ...(owner === undefined ? [] : ["uid" in owner ? `meta skuid ${owner.uid}` : `meta skgid ${owner.gid}`]),
  ];
  return [...words, verdictText(rule.verdict)].join(" ");
}

function portsText({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case "return":
      return "return";
    case "call":
      return `jump ${verdict.chain}`;
    case "redirect":
      return `redirect to :${verdict.port}`;
    case "zone":
      return `ct zone set ${verdict.zone}`;
  }
}
