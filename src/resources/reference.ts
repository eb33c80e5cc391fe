/**
 * The field tables as a page for people: one table of fields for each kind, with type, unit, default, range, meaning and
 * what the field is called elsewhere.
 */
import { KIND_TABLES, KINDS, type Kind } from "./resource.ts";
import type { Field, Fields } from "./schema.ts";
import type { Shape } from "./shape.ts";

/** The page, in Markdown. */
export function referencePage(): string {
  const head = [
    "# Resources",
    "",
    "Written by `node scripts/generate-reference.ts` from the field tables in `src/resources/kind/`. Don't edit.",
    "",
    "Durations are written as the Gateway API has them (GEP-2257): `500ms`, `10s`, `1h30m`. A field that is not listed",
    "here is an error. Fields of Kubernetes' own (such as `metadata.uid`, `spec.nodePort` and `status`) are accepted",
    "and not read. A default of “required” means that there is none.",
    "",
    "For editors there are JSON Schemas in `config/schemas/`; with the YAML language server, begin a file with",
    "`# yaml-language-server: $schema=<path>/config/schemas/weft.schema.json`.",
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
  return [
    "",
    `## ${kind}`,
    "",
    `\`apiVersion: ${apiVersion}\`. ${summary} Fields of \`spec\`:`,
    "",
    ...tableOf(spec.shape),
  ];
}

const COLUMNS = ["Field", "Type", "Unit", "Default", "Range", "Meaning", "Elsewhere"] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;

function tableOf(shape: Shape): string[] {
  const rows = below("", shape).map((row) => COLUMNS.map((column) => escapeCell(row[column])));
  return [COLUMNS, COLUMNS.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

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
      const values = Object.keys(shape.variants);
      const tag: Row = {
        Field: code(`${path}.type`),
        Type: "one of",
        Unit: "",
        Default: "required",
        Range: values.map(code).join(", "),
        Meaning: "Which of them.",
        Elsewhere: "",
      };
      return [tag, ...Object.values(shape.variants).flatMap((fields) => rowsOf(path, fields))];
    }
    default:
      return [];
  }
}

function rowsOf(path: string, fields: Fields): Row[] {
  return Object.entries(fields).flatMap(([name, field]): Row[] => {
    if (field.presence === "ignored") return [];
    const full = path === "" ? name : `${path}.${name}`;
    return [rowOf(full, field), ...below(full, field.schema.shape)];
  });
}

function rowOf(path: string, { schema, presence, fallback, doc, peer = "" }: Field<unknown>): Row {
  const [Type, Range] = describe(schema.shape);
  const Default = fallback === undefined ? (presence === "required" ? "required" : "") : code(fallback);
  const Unit = schema.shape.kind === "integer" ? (schema.shape.unit ?? "") : "";
  return { Field: code(path), Type, Unit, Default, Range, Meaning: doc, Elsewhere: peer };
}

function describe(shape: Shape): readonly [type: string, range: string] {
  switch (shape.kind) {
    case "string":
      return ["text", shape.expected];
    case "integer":
      return ["whole number", `${shape.min} to ${shape.max}`];
    case "boolean":
      return ["true or false", ""];
    case "duration":
      return ["duration", `${shape.min} to ${shape.max}`];
    case "portReference":
      return ["number or text", `1 to 65535${shape.isNamed ? ", or the name of a port" : ""}`];
    case "statusRange":
      return ["number or text", "100 to 599, or a range such as 200-299"];
    case "enum":
      return ["one of", shape.values.map(code).join(", ")];
    case "list": {
      const [type, range] = describe(shape.item);
      const entries = `${shape.minItems} to ${shape.maxItems} entries`;
      return isPlain(shape.item) ? [`list of ${type}`, `${entries}: ${range}`] : ["list of maps", entries];
    }
    case "map": {
      const [type, range] = describe(shape.value);
      return [`map of ${type}`, `0 to ${shape.maxEntries} entries: ${shape.key} → ${range}`];
    }
    case "object":
    case "union":
      return ["map", ""];
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
