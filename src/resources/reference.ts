/**
 * The field tables as a page for people: one table of fields for each kind, with type, default and meaning.
 */
import { KIND_TABLES, KINDS, type Kind } from "./resource.ts";
import type { Fields, Shape } from "./schema.ts";

/** The page, in Markdown. */
export function referencePage(): string {
  const head = [
    "# Resources",
    "",
    "Written by `node scripts/generate-reference.ts` from the field tables in `src/resources/kind/`. Don't edit.",
    "",
    "Durations are written as the Gateway API has them (GEP-2257): `500ms`, `10s`, `1h30m`. A field that is not listed",
    "here is an error. Fields of Kubernetes' own (such as `metadata.uid`, `spec.clusterIP` and `status`) are accepted",
    "and not read.",
    "",
    ...KINDS.map((kind) => `- [${kind}](#${kind.toLowerCase()}): ${KIND_TABLES[kind].summary}`),
    "",
    "## metadata",
    "",
    "Every kind has it.",
    "",
    ...tableOf(KIND_TABLES.Workload.metadata.shape),
  ];
  return `${[...head, ...KINDS.flatMap(section)].join("\n")}\n`;
}

function section(kind: Kind): string[] {
  const { apiVersion, summary, spec } = KIND_TABLES[kind];
  return ["", `## ${kind}`, "", `\`apiVersion: ${apiVersion}\`. ${summary}`, "", ...tableOf(spec.shape)];
}

function tableOf(shape: Shape): string[] {
  const rows = below("", shape).map((cells) => `| ${cells.map(escapeCell).join(" | ")} |`);
  return ["| Field | Type | Default | Meaning |", "|---|---|---|---|", ...rows];
}

type Row = readonly [field: string, type: string, fallback: string, doc: string];

/** Rows of everything below a shape. */
function below(path: string, shape: Shape): Row[] {
  switch (shape.kind) {
    case "object":
      return rowsOf(path, shape.fields);
    case "list":
      return below(`${path}[]`, shape.item);
    case "map":
      return below(`${path}.*`, shape.value);
    case "union": {
      const types = Object.keys(shape.variants).map((type) => `\`${type}\``);
      const tag: Row = [`\`${path}.type\``, types.join(", "), "required", "Which of them."];
      return [tag, ...Object.values(shape.variants).flatMap((fields) => rowsOf(path, fields))];
    }
    default:
      return [];
  }
}

function rowsOf(path: string, fields: Fields): Row[] {
  return Object.entries(fields).flatMap(([name, { schema, doc, presence, fallback }]): Row[] => {
    if (presence === "ignored") return [];
    const full = path === "" ? name : `${path}.${name}`;
    const standing = fallback === undefined ? (presence === "required" ? "required" : "") : code(fallback);
    return [[`\`${full}\``, typeOf(schema.shape), standing, doc], ...below(full, schema.shape)];
  });
}

function typeOf(shape: Shape): string {
  switch (shape.kind) {
    case "string":
      return shape.expected;
    case "integer":
      return `${shape.min} to ${shape.max}`;
    case "boolean":
      return "true, false";
    case "duration":
      return "duration";
    case "portReference":
      return "port number or name";
    case "enum":
      return shape.values.map(code).join(", ");
    case "list": {
      const some = shape.minItems > 0 ? `${shape.minItems} to ${shape.maxItems}` : `up to ${shape.maxItems}`;
      return isPlain(shape.item) ? `list of ${some}: ${typeOf(shape.item)}` : `list of ${some}`;
    }
    case "map":
      return `map of up to ${shape.maxEntries}: ${shape.key} → ${typeOf(shape.value)}`;
    case "object":
    case "union":
      return "map";
  }
}

function isPlain(shape: Shape): boolean {
  return shape.kind !== "object" && shape.kind !== "union";
}

function code(value: unknown): string {
  return `\`${typeof value === "string" && value !== "" ? value : JSON.stringify(value)}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
