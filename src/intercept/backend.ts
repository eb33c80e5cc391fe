/** The two ways into netfilter. Both leave exactly the rules that they are given, whatever was there of ours before. */
import type { Table } from "./rules.ts";
import type { Family } from "./settings.ts";
import type { Outcome, Shell } from "./shell.ts";

export const BACKENDS = ["nft", "iptables"] as const;
export type BackendName = (typeof BACKENDS)[number];

export type Applied =
  | { readonly kind: "done" }
  /** What was to be run, and why it was refused. */
  | { readonly kind: "failed"; readonly program: string; readonly problem: string };

export interface Backend {
  readonly name: BackendName;
  /** Undefined: it can be used; else why not. To be asked before anything is changed. */
  problem(): string | undefined;
  /** What would be programmed, for people. */
  text(tables: readonly Table[]): string;
  apply(tables: readonly Table[]): Applied;
  /** Takes away what `apply` has made. */
  clear(): Applied;
}

export const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];
export const DONE: Applied = { kind: "done" };

/** What a back end says of the program that it has run. */
export function appliedBy(program: string, { isDone, problem }: Outcome): Applied {
  return isDone ? DONE : { kind: "failed", program, problem };
}

export type MakeBackend = (shell: Shell) => Backend;
