/**
 * One document to one resource: which kind it is, then that kind's table.
 */
import { oneOf, type Problem, show } from "./problem.ts";
import { KIND_TABLES, KINDS, type Kind, type Resource } from "./resource.ts";
import { ignored, isMap, object, oneOfValues, required, type Schema, withDefault } from "./schema.ts";
import { closest } from "./suggest.ts";

/** Checks what every kind has, in one table, so that a mistyped `metadata` is found as any other field is. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Resource["metadata"];
  readonly spec: Resource["spec"];
}

export interface DocumentProblem extends Omit<Problem, "severity"> {
  readonly severity: "error" | "warning";
}

export interface ReadDocument {
  readonly kind?: string;
  readonly name?: string;
  readonly envelope?: Envelope;
  readonly problems: readonly DocumentProblem[];
}

/** Checks a plain value as a resource. */
export function readDocument(value: unknown): ReadDocument {
  if (!isMap(value)) {
    const found = show(value);
    return { problems: [problem("error", "", `must be a resource, found ${found}`, found, "a map")] };
  }
  const { kind, apiVersion } = value;
  const name = isMap(value["metadata"]) ? value["metadata"]["name"] : undefined;
  const names = {
    ...(typeof kind === "string" ? { kind } : {}),
    ...(typeof name === "string" ? { name } : {}),
  };
  const wrong = checkKind(apiVersion, kind);
  const known = KINDS.find((candidate) => candidate === kind);
  // With the version alone wrong, what else is wrong is told as well.
  const isKnown = wrong === undefined || wrong.path[0] === "apiVersion";
  if (known === undefined || !isKnown) return { ...names, problems: wrong === undefined ? [] : [wrong] };
  const problems = wrong === undefined ? [] : [wrong];
  const meant = wrong === undefined ? value : { ...value, apiVersion: KIND_TABLES[known].apiVersion };
  const envelope = envelopeOf(known).check(meant, [], (p) => problems.push({ severity: "error", ...p }));
  return envelope === undefined || wrong !== undefined
    ? { ...names, problems }
    : { ...names, envelope, problems };
}

/** The table of a whole document. */
export function envelopeOf(kind: Kind): Schema<Envelope> {
  const table = KIND_TABLES[kind];
  const specMayBeAbsent = kind === "Workload" || kind === "MeshConfig";
  return object({
    apiVersion: required(oneOfValues([table.apiVersion]), "Version of the kind."),
    kind: required(oneOfValues([kind]), "What it is."),
    metadata: required(table.metadata, "Who it is."),
    spec: specMayBeAbsent
      ? withDefault(table.spec, {}, "What it says.")
      : required(table.spec, "What it says."),
    status: ignored("What others write about it."),
  });
}

function checkKind(apiVersion: unknown, kind: unknown): DocumentProblem | undefined {
  if (apiVersion === undefined || apiVersion === null) {
    return problem("error", "apiVersion", "is required", "nothing", "a version such as v1");
  }
  if (kind === undefined || kind === null) {
    return problem("error", "kind", "is required", "nothing", oneOf(KINDS));
  }
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const [field, value] = typeof kind === "string" ? ["apiVersion", apiVersion] : ["kind", kind];
    return problem("error", String(field), `must be text, found ${show(value)}`, show(value), "text");
  }
  const known = KINDS.find((candidate) => candidate === kind);
  const group = groupOf(apiVersion);
  if (known !== undefined && groupOf(KIND_TABLES[known].apiVersion) === group) {
    const expected = KIND_TABLES[known].apiVersion;
    if (apiVersion === expected) return undefined;
    const message = `must be ${expected} for ${known}, found ${show(apiVersion)}`;
    return problem("error", "apiVersion", message, show(apiVersion), expected, expected);
  }
  const isOurs = KINDS.some(
    (candidate) => groupOf(KIND_TABLES[candidate].apiVersion) === group && group !== "",
  );
  if (known !== undefined && (isOurs || closest(group, GROUPS) !== undefined)) {
    const expected = KIND_TABLES[known].apiVersion;
    const message = `must be ${expected} for ${known}, found ${show(apiVersion)}`;
    return problem("error", "apiVersion", message, show(apiVersion), expected, expected);
  }
  if (isOurs) {
    const message = `${apiVersion} has no kind ${show(kind)} that Weft knows`;
    return problem("error", "kind", message, show(kind), oneOf(KINDS), closest(kind, KINDS));
  }
  // Kubernetes' own group has many kinds that are none of Weft's; but what is almost one of Weft's was meant as it.
  const meant = closest(
    kind,
    KINDS.filter((candidate) => KIND_TABLES[candidate].apiVersion === apiVersion),
  );
  if (meant !== undefined) {
    const message = `${apiVersion} has no kind ${show(kind)} that Weft knows`;
    return problem("error", "kind", message, show(kind), oneOf(KINDS), meant);
  }
  const message = `${show(kind)} of ${apiVersion} is no kind that Weft reads; it is left alone`;
  return problem("warning", "kind", message, show(kind), oneOf(KINDS), closest(kind, KINDS));
}

const GROUPS = [...new Set(KINDS.map((kind) => groupOf(KIND_TABLES[kind].apiVersion)))].filter(
  (g) => g !== "",
);

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

function problem(
  severity: "error" | "warning",
  field: string,
  message: string,
  found: string,
  expected: string,
  suggestion?: string,
): DocumentProblem {
  const path = field === "" ? [] : [field];
  const base: DocumentProblem = { severity, path, at: "value", message, found, expected };
  return suggestion === undefined ? base : { ...base, suggestion };
}
