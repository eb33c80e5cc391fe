/**
 * Tests that need something which not every machine has. At home they are skipped, and `npm test` says at its end which
 * and why; where WEFT_REQUIRE_ALL=1 is set, as on CI, a missing tool is a failure instead, so that nothing stays skipped
 * for ever unnoticed. What a CI machine can't have it names in WEFT_ABSENT, and that stays skipped, with its reason.
 */
import { accessSync, appendFileSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { arePrograms } from "../kubernetes/cluster/programs.ts";
import { SKIPS_VARIABLE } from "./skips.ts";

/**
 * A program of the machine; the right to be root; `kubernetes`: the programs of `scripts/kubernetes.ts`, of which a suite makes a cluster
 * of its own; `cluster`: that, or the cluster of KUBECONFIG, to make a namespace in.
 */
export type Need =
  | "nginx"
  | "haproxy"
  | "wrk"
  | "envoy"
  | "openssl"
  | "ip"
  | "nft"
  | "iptables"
  | "script"
  | "setpriv"
  | "helm"
  | "docker"
  | "dockerd"
  | "docker-compose"
  | "docker-compose-v2"
  | "tcpdump"
  | "root"
  | "kubernetes"
  | "cluster";

/** Debian puts servers into sbin, which is not on everybody's path. */
const FOLDERS = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
/** For programs that start such programs by name. */
export const WIDE_PATH = FOLDERS.join(delimiter);

/** Use as `describe` for a suite that needs `needs`: `requires("nginx")("next to nginx", () => { … })`. */
export function requires(...needs: readonly Need[]): (name: string, suite: () => void) => void {
  const missing = needs.filter((need) => !isThere(need));
  if (missing.length === 0) return (name, suite) => void describe(name, suite);
  const reason = `needs ${missing.join(", ")}`;
  const absent = (process.env["WEFT_ABSENT"] ?? "").split(",");
  if (process.env["WEFT_REQUIRE_ALL"] === "1" && !missing.every((need) => absent.includes(need))) {
    return (name) => void describe(name, () => it(reason, () => expect.fail(`${reason}: not found`)));
  }
  return (name, suite) => {
    const file = process.env[SKIPS_VARIABLE];
    if (file !== undefined) appendFileSync(file, `${JSON.stringify({ name, reason })}\n`);
    describe.skip(name, suite);
  };
}

/** Path of a program, or undefined where there is none. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
}

function isThere(need: Need): boolean {
  if (need === "root") return process.getuid?.() === 0;
  if (need === "cluster") return (process.env["KUBECONFIG"] ?? "") !== "" || arePrograms();
  if (need === "kubernetes") return arePrograms();
  return findProgram(need) !== undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
