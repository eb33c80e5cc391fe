/**
 * The field tables as JSON Schemas (2020-12), for editors: completion, documentation under the pointer, red lines.
 * They say what a schema language can; rules between fields are only in the tables.
 */
import { envelopeOf } from "./document.ts";
import { DURATION_PATTERN } from "./duration.ts";
import { KIND_TABLES, KINDS, type Kind } from "./resource.ts";
import type { Field, Fields } from "./schema.ts";
import type { Shape } from "./shape.ts";

type JsonSchema = { readonly [key: string]: unknown };

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** Name of a kind's file: `http-route.schema.json`. */
export function schemaFileName(kind: Kind): string {
  return `${kind.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "-").toLowerCase()}.schema.json`;
}

/** The schema of one kind. */
export function kindSchema(kind: Kind): JsonSchema {
  const schema = { title: kind, description: KIND_TABLES[kind].summary, ...ofShape(envelopeOf(kind).shape) };
  return { $schema: DIALECT, ...schema };
}

/** A schema for all kinds, which refers to the files beside it. */
export function weftSchema(): JsonSchema {
  return {
    $schema: DIALECT,
    title: "Resources of Weft",
    type: "object",
    properties: {
      apiVersion: { enum: [...new Set(KINDS.map((kind) => KIND_TABLES[kind].apiVersion))] },
      kind: { enum: KINDS },
    },
    required: ["apiVersion", "kind"],
    allOf: KINDS.map((kind) => ({
      if: { properties: { kind: { const: kind } }, required: ["kind"] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so, and nothing awaits it.
      then: { $ref: schemaFileName(kind) },
    })),
  };
}

function ofShape(shape: Shape): JsonSchema {
  switch (shape.kind) {
    case "string":
      return {
        type: "string",
        maxLength: shape.maxLength,
        ...(shape.pattern === undefined ? {} : { pattern: shape.pattern }),
      };
    case "integer": {
      const { min, max } = shape;
      return { type: shape.nullable ? ["integer", "null"] : "integer", minimum: min, maximum: max };
    }
    case "boolean":
      return { type: "boolean" };
    case "duration":
      return { type: "string", pattern: DURATION_PATTERN };
    case "portReference":
      return { oneOf: [{ type: "integer", minimum: 1, maximum: 65_535 }, { type: "string" }] };
    case "statusRange":
      return {
        oneOf: [
          { type: "integer", minimum: 100, maximum: 599 },
          { type: "string", pattern: shape.pattern },
        ],
      };
    case "enum":
      return shape.values.length === 1 ? { const: shape.values[0] } : { enum: shape.values };
    case "list": {
      const { minItems, maxItems } = shape;
      return { type: "array", items: ofShape(shape.item), minItems, maxItems };
    }
    case "map":
      return {
        type: "object",
        additionalProperties: ofShape(shape.value),
        maxProperties: shape.maxEntries,
      };
    case "object":
      return ofFields(shape.fields, {});
    case "union":
      return {
        oneOf: Object.entries(shape.variants).map(([type, fields]) =>
          ofFields(fields, { type: { const: type } }),
        ),
      };
  }
}

function ofFields(fields: Fields, tag: JsonSchema): JsonSchema {
  const properties = Object.entries(fields).map(([name, field]) => [name, ofField(field)]);
  const required = Object.keys(fields).filter((name) => fields[name]?.presence === "required");
  return {
    type: "object",
    properties: { ...tag, ...Object.fromEntries(properties) },
    required: [...Object.keys(tag), ...required],
    additionalProperties: false,
  };
}

function ofField(field: Field<unknown>): JsonSchema {
  if (field.presence === "ignored") return { description: field.doc };
  const schema = { description: field.doc, ...withNull(field, ofShape(field.schema.shape)) };
  return field.fallback === undefined ? schema : { ...schema, default: field.fallback };
}

/** A key without a value is as good as none, where the field need not be there. */
function withNull({ presence }: Field<unknown>, schema: JsonSchema): JsonSchema {
  const { type } = schema;
  return presence === "required" || typeof type !== "string" ? schema : { ...schema, type: [type, "null"] };
}
