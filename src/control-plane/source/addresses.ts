/**
 * The file of `--addresses`: where instances really listen, by workload id. Written by `weft up`, and judged like any
 * input: what does not fit is an issue, and the last good content stays.
 */
import { readFileSync } from "node:fs";
import type { Issue } from "../../resources/issue.ts";
import type { Addresses, WorkloadAddress } from "../compile/inputs.ts";

/** Reads the file; one that is not there yet is empty. */
export function readAddresses(path: string): { readonly addresses: Addresses } | { readonly issue: Issue } {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { addresses: {} };
    return { issue: issue(path, "", `can't be read: ${String(error)}`) };
  }
  if (!isMap(value)) return { issue: issue(path, "", "must be a map of workloads") };
  const addresses: Record<string, WorkloadAddress> = {};
  for (const [id, entry] of Object.entries(value)) {
    if (!isAddress(entry)) return { issue: issue(path, id, "must have address, ports and inboundPort") };
    addresses[id] = entry;
  }
  return { addresses };
}

function isAddress(value: unknown): value is WorkloadAddress {
  if (!isMap(value)) return false;
  const { address, ports, inboundPort } = value;
  return (
    (address === undefined || typeof address === "string") &&
    (inboundPort === undefined || isPort(inboundPort)) &&
    (ports === undefined || (isMap(ports) && Object.values(ports).every(isPort)))
  );
}

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 65_536;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function issue(file: string, field: string, message: string): Issue {
  const expected = 'JSON such as { "default/web": { "ports": { "http": 8080 } } }';
  return { severity: "error", file, line: 1, column: 1, field, found: "", expected, message };
}
