/**
 * Resources as a table: for each kind the two or three facts that tell one from another. What is asked for here is read
 * as it was written, so a document of the future shows as a name at least.
 */
import { type Paint, table } from "./output.ts";

/** A document as the API gives it. */
export interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly spec?: Readonly<Record<string, unknown>>;
}

type Labels = Readonly<Record<string, string>>;
type Cell = readonly [title: string, read: (spec: Spec, document: Document) => string];

const LABELS: Cell = ["LABELS", (_spec, document) => pairs(document.metadata.labels)];

const CELLS: Readonly<Record<string, readonly Cell[]>> = {
  Service: [
    ["PORTS", (spec) => list(spec.items("ports").map((port) => port.text("port")))],
    ["SELECTOR", (spec) => pairs(spec.map("selector"))],
  ],
  Workload: [
    ["ADDRESS", (spec) => spec.text("address")],
    ["PORTS", (spec) => pairs(spec.map("ports"))],
    LABELS,
  ],
  HTTPRoute: [
    ["FOR", (spec) => list(spec.items("parentRefs").map((parent) => parent.text("name")))],
    ["BACKENDS", (spec) => list(spec.items("rules").map(backends), "; ")],
  ],
  TCPRoute: [
    ["FOR", (spec) => list(spec.items("parentRefs").map((parent) => parent.text("name")))],
    ["BACKENDS", (spec) => list(spec.items("rules").map(backends), "; ")],
  ],
  TrafficPolicy: [
    ["FOR", (spec) => spec.part("targetRef").text("name")],
    ["LOAD BALANCER", (spec) => spec.part("loadBalancer").text("policy")],
    ["SETS", (spec) => list(spec.names().filter((name) => name !== "targetRef" && name !== "loadBalancer"))],
  ],
  RateLimit: [
    ["FOR", (spec) => spec.part("targetRef").text("name")],
    ["LIMITS", (spec) => list(spec.items("limits").map(limitText))],
  ],
  FaultInjection: [
    ["FOR", (spec) => spec.part("targetRef").text("name")],
    ["FAULTS", (spec) => String(spec.items("faults").length)],
  ],
  PeerAuthentication: [
    ["MODE", (spec) => spec.part("mtls").text("mode") || "UNSET"],
    ["FOR", (spec) => pairs(spec.part("selector").map("matchLabels")) || "all"],
    ["PORTS", (spec) => list(Object.keys(spec.map("portLevelMtls")))],
  ],
  RequestAuthentication: [
    ["ISSUERS", (spec) => list(spec.items("jwtRules").map((rule) => rule.text("issuer")))],
    ["FOR", (spec) => pairs(spec.part("selector").map("matchLabels")) || "all"],
  ],
  AuthorizationPolicy: [
    ["ACTION", (spec) => spec.text("action") || "ALLOW"],
    ["FOR", (spec) => pairs(spec.part("selector").map("matchLabels")) || "all"],
    ["RULES", (spec) => String(spec.items("rules").length)],
  ],
  NetworkPolicy: [
    ["FOR", (spec) => pairs(spec.part("podSelector").map("matchLabels")) || "all"],
    ["RULES", (spec) => String(spec.items("ingress").length)],
  ],
  MeshConfig: [
    ["TRUST DOMAIN", (spec) => spec.text("trustDomain")],
    ["OUTBOUND", (spec) => spec.text("outboundPolicy")],
  ],
};

/** A table for each kind, with a heading where there are several; `isWide` adds labels. */
export function resourceTables(documents: readonly Document[], paint: Paint, isWide = false): string {
  const kinds = [...new Set(documents.map(({ kind }) => kind))];
  return kinds
    .map((kind) => {
      const heading = kinds.length > 1 ? `${paint("bold", kind)}\n` : "";
      const some = documents.filter((document) => document.kind === kind);
      const cells = CELLS[kind] ?? [];
      const hasLabels = !isWide || cells.some(([title]) => title === "LABELS");
      return heading + kindTable(hasLabels ? cells : [...cells, LABELS], some, paint);
    })
    .join("\n");
}

function kindTable(cells: readonly Cell[], documents: readonly Document[], paint: Paint): string {
  const columns = ["NAMESPACE", "NAME", ...cells.map(([title]) => title)].map((title) => ({ title }));
  const rows = documents.map((document) => {
    const spec = new Spec(document.spec);
    const facts = cells.map(([, read]) => read(spec, document) || "-");
    return [document.metadata.namespace ?? "default", document.metadata.name, ...facts];
  });
  return table(columns, rows, paint);
}

/** `100/1m`, with `mesh` where all instances share it. */
function limitText(limit: Spec): string {
  const scope = limit.text("scope") === "mesh" ? " mesh" : "";
  return `${limit.text("requests")}/${limit.text("per")}${scope}`;
}

function backends(rule: Spec): string {
  const named = rule.items("backendRefs").map((ref) => {
    const weight = ref.text("weight");
    return weight === "" ? ref.text("name") : `${ref.text("name")}=${weight}`;
  });
  const filters = rule.items("filters").map((filter) => filter.text("type"));
  return list([...filters, ...named]);
}

/** Reads values of any shape without trusting it. */
class Spec {
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    this.#value = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  }

  text(field: string): string {
    const value = this.#value[field];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  }

  part(field: string): Spec {
    return new Spec(this.#value[field]);
  }

  items(field: string): readonly Spec[] {
    const value = this.#value[field];
    return Array.isArray(value) ? value.map((item) => new Spec(item)) : [];
  }

  /** Of its fields. */
  names(): readonly string[] {
    return Object.keys(this.#value);
  }

  map(field: string): Readonly<Record<string, unknown>> {
    return this.part(field).#value;
  }
}

function list(parts: readonly string[], separator = ","): string {
  return parts.filter((part) => part !== "").join(separator);
}

function pairs(map: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(map ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(",");
}
