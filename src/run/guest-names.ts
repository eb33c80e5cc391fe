/**
 * What a transparent run leaves on the machine while it lasts, all of it named after its process: so several do not meet, and what one
 * that was killed has left is found by the next.
 */
import { readdirSync } from "node:fs";
import type { Shell } from "../intercept/shell.ts";
import { isAlive } from "../local/run-file.ts";
import { quoted } from "./keeper.ts";

const NETNS_FOLDER = "/run/netns";

export interface GuestNames {
  readonly namespace: string;
  /** The host's end of the pair; at most 15 characters. */
  readonly link: string;
  readonly table: string;
  /** Files that stand in for those of `/etc` there. */
  readonly etc: string;
}

export function guestNames(pid: number): GuestNames {
  const namespace = `weft-run-${pid}`;
  return { namespace, link: `weft-${pid}`, table: `weft_run_${pid}`, etc: `/etc/netns/${namespace}` };
}

/** iptables' rules that let packets of the pair pass, where its policy would drop them. */
export function forwardRules({ link }: GuestNames): readonly (readonly string[])[] {
  return ["-i", "-o"].map((way) => ["FORWARD", way, link, "-j", "ACCEPT"]);
}

/** Shell commands that take all of it away, whatever of it is there. */
export function removalScript(names: GuestNames): string {
  const { namespace, link, table, etc } = names;
  const commands = [
    ...forwardRules(names).map((rule) => `iptables -D ${rule.join(" ")}`),
    `nft delete table ip ${table}`,
    `ip link del ${link}`,
    `ip netns del ${namespace}`,
    `rm -rf ${quoted(etc)}`,
  ];
  return ["PATH=$PATH:/usr/sbin:/sbin", ...commands.map((command) => `${command} 2>/dev/null`)].join("; ");
}

/** Takes away what runs have left whose process is gone. */
export function removeAbandoned(shell: Shell): void {
  const tables = shell("nft", ["list", "tables"]).stdout;
  const pids = [...filesOf(NETNS_FOLDER), ...tables.split(/\s+/)].flatMap(
    (name) => /^weft[-_]run[-_](\d+)$/.exec(name)?.[1] ?? [],
  );
  for (const pid of new Set(pids.map(Number))) {
    // Our own number may have been another's.
    if (pid === process.pid || !isAlive(pid)) shell("/bin/sh", ["-c", removalScript(guestNames(pid))]);
  }
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
