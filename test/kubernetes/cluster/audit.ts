/** The API server's audit log: what one user has asked for, and what came of it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const POLICY = "audit-policy.json";
const LOG = "audit.log";

/** One request that was answered, or a watch that was opened. */
export interface Asked {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `ratelimits/status`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** Status of the answer. */
  readonly code: number;
}

/** Flags for the API server, whose policy is written for them: all that `user` does, and nothing else. */
export function auditFlags(folder: string, user: string): Readonly<Record<string, string>> {
  const rules = [{ level: "Metadata", users: [user], omitStages: ["RequestReceived"] }, { level: "None" }];
  const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules };
  writeFileSync(join(folder, POLICY), JSON.stringify(policy));
  return { "audit-policy-file": join(folder, POLICY), "audit-log-path": join(folder, LOG) };
}

interface Event {
  readonly verb: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/** All that the log of a cluster's folder has by now. */
export function readAudit(folder: string): readonly Asked[] {
  const lines = readFileSync(join(folder, LOG), "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const { verb, objectRef = {}, responseStatus } = JSON.parse(line) as Event;
    const { apiGroup: group = "", resource = "", subresource, namespace, name } = objectRef;
    const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
    return { verb, group, resource: whole, namespace, name, code: responseStatus?.code ?? 0 };
  });
}
