/**
 * The field tables as JSON Schema (2020-12), for editors: completion, documentation under the pointer, red lines.
 * It says what a schema language can; rules between fields are only in the tables.
 */
import { DURATION_PATTERN } from "./duration.ts";
import { KIND_TABLES, KINDS } from "./resource.ts";
import type { Field, Fields, Shape } from "./schema.ts";

type JsonSchema = { readonly [key: string]: unknown };

/** One schema for all kinds. */
export function jsonSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Resources of Weft",
    oneOf: KINDS.map((kind) => {
      const { apiVersion, summary, metadata, spec } = KIND_TABLES[kind];
      return {
        title: kind,
        description: summary,
        type: "object",
        properties: {
          apiVersion: { const: apiVersion },
          kind: { const: kind },
          metadata: ofShape(metadata.shape),
          spec: ofShape(spec.shape),
          status: {},
        },
        required: ["apiVersion", "kind", "metadata"],
        additionalProperties: false,
      };
    }),
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
    case "enum":
      return { enum: shape.values };
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
  return {
    description: field.doc,
    ...ofShape(field.schema.shape),
    ...(field.fallback === undefined ? {} : { default: field.fallback }),
  };
}
