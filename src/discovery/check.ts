/**
 * The shape of what sidecars send, checked where it enters the control plane: a stranger's bytes become a message or a reason to end the
 * stream, never an exception further in.
 */
import { isDemandReport } from "./lease-check.ts";
import { type Node, RESOURCE_TYPES, type UpstreamMessage } from "./messages.ts";

export type Checked =
  | { readonly ok: true; readonly message: UpstreamMessage }
  | { readonly ok: false; readonly reason: string };

/** Reads one message of at most `maxBytes`. */
export function readUpstreamMessage(bytes: Uint8Array, maxBytes: number): Checked {
  if (bytes.length > maxBytes) return refuse(`a message of ${bytes.length} bytes; the limit is ${maxBytes}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return refuse("not JSON");
  }
  const reason = isRecord(value) ? wrongMessage(value) : "not an object";
  return reason === undefined ? { ok: true, message: value as UpstreamMessage } : refuse(reason);
}

/** A node that was written down; undefined where it has another shape. */
export function readNode(value: unknown): Node | undefined {
  return wrongNode(value) === undefined ? (value as Node) : undefined;
}

function refuse(reason: string): Checked {
  return { ok: false, reason };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrongMessage(message: Readonly<Record<string, unknown>>): string | undefined {
  if (message["kind"] === "load") return wrongReport(message["report"]);
  if (message["kind"] === "demand")
    return isDemandReport(message["report"]) ? undefined : "report: malformed demand";
  if (message["kind"] === "leaving") return undefined;
  if (message["kind"] !== "discovery") return 'kind: expected "discovery", "load", "demand" or "leaving"';
  const request = message["request"];
  if (!isRecord(request)) return "request: expected an object";
  if (!RESOURCE_TYPES.some((type) => type === request["type"])) return "request.type: unknown";
  for (const field of ["subscribe", "unsubscribe"]) {
    if (request[field] !== undefined && !isList(request[field], isName))
      return `request.${field}: expected names`;
  }
  const versions = request["initialVersions"];
  if (versions !== undefined && !(isRecord(versions) && Object.values(versions).every(isName))) {
    return "request.initialVersions: expected versions by name";
  }
  if (request["nonce"] !== undefined && !isName(request["nonce"])) return "request.nonce: expected a string";
  if (request["errors"] !== undefined && !isList(request["errors"], isError))
    return "request.errors: expected errors";
  return request["node"] === undefined ? undefined : wrongNode(request["node"]);
}

function wrongNode(node: unknown): string | undefined {
  if (!isRecord(node)) return "request.node: expected an object";
  for (const field of ["id", "namespace", "workload", "serviceAccount", "address", "version"]) {
    if (!isName(node[field])) return `request.node.${field}: expected a string`;
  }
  if (node["id"] === "") return "request.node.id: empty";
  if (node["service"] !== undefined && !isName(node["service"]))
    return "request.node.service: expected a string";
  const { labels, ports, registers } = node;
  if (registers !== undefined && registers !== true) return "request.node.registers: expected true";
  if (!isRecord(labels) || !Object.values(labels).every(isName))
    return "request.node.labels: expected strings by name";
  if (!isRecord(ports) || !Object.values(ports).every(isCount))
    return "request.node.ports: expected numbers by name";
  return undefined;
}

function wrongReport(report: unknown): string | undefined {
  if (!isRecord(report) || !isCount(report["intervalMs"])) return "report.intervalMs: expected a number";
  return isList(report["destinations"], isDestination) ? undefined : "report.destinations: malformed";
}

function isDestination(value: unknown): boolean {
  return (
    isRecord(value) &&
    (value["reporter"] === "source" || value["reporter"] === "destination") &&
    isName(value["cluster"]) &&
    isName(value["workload"]) &&
    isName(value["version"]) &&
    isRecord(value["service"]) &&
    isName(value["service"]["name"]) &&
    isName(value["service"]["namespace"]) &&
    isCount(value["requests"]) &&
    isCount(value["failures"]) &&
    isCount(value["active"]) &&
    (value["unhealthy"] === undefined || isCount(value["unhealthy"])) &&
    isList(value["latency"], (pair) => isList(pair, isCount) && (pair as readonly unknown[]).length === 2)
  );
}

function isError(value: unknown): boolean {
  return (
    isRecord(value) &&
    isName(value["code"]) &&
    typeof value["message"] === "string" &&
    (value["resource"] === undefined || isName(value["resource"])) &&
    (value["field"] === undefined || isName(value["field"]))
  );
}

function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= 512;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
