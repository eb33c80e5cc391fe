/**
 * The field tables as OpenAPI v3 schemas, in the form that Kubernetes asks of definitions ("structural"): each value has a
 * type, and what a union may hold stands in one list of properties, with rules that say which of them belong together. Defaults are not
 * written into objects: they are the control plane's, and documented. What is `null` the API server drops.
 */
import type { CelRule } from "./cel.ts";
import { DURATION_PATTERN } from "./duration.ts";
import type { Field, Fields } from "./schema.ts";
import type { Shape } from "./shape.ts";

export type OpenApi = { readonly [key: string]: unknown };

/** The schema of a shape. */
export function openApiOf(shape: Shape): OpenApi {
  switch (shape.kind) {
    case "string": {
      const pattern = shape.pattern === undefined ? {} : { pattern: ofRe2(shape.pattern) };
      return { type: "string", maxLength: shape.maxLength, ...pattern };
    }
    case "integer": {
      const nullable = shape.nullable ? { nullable: true } : {};
      return { type: "integer", format: "int64", minimum: shape.min, maximum: shape.max, ...nullable };
    }
    case "boolean":
      return { type: "boolean" };
    case "duration":
      return { type: "string", maxLength: 64, pattern: DURATION_PATTERN };
    case "portReference":
    case "statusRange":
      return { "x-kubernetes-int-or-string": true };
    case "enum": {
      const types = new Set(shape.values.map((value) => (typeof value === "number" ? "integer" : "string")));
      const [type] = types;
      return { ...(types.size > 1 ? { "x-kubernetes-int-or-string": true } : { type }), enum: shape.values };
    }
    case "list": {
      const { minItems, maxItems } = shape;
      return { type: "array", items: openApiOf(shape.item), ...(minItems > 0 && { minItems }), maxItems };
    }
    case "map":
      return {
        type: "object",
        additionalProperties: openApiOf(shape.value),
        maxProperties: shape.maxEntries,
      };
    case "object":
      return ofFields(shape.fields, shape.rules ?? []);
    case "union":
      return ofUnion(shape.variants);
  }
}

function ofFields(fields: Fields, rules: readonly CelRule[]): OpenApi {
  const required = Object.keys(fields).filter((name) => fields[name]?.presence === "required");
  const properties = propertiesOf(fields);
  return {
    type: "object",
    // An API server drops an empty one, and every `kubectl apply` would find a difference.
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required }),
    ...(rules.length > 0 && { "x-kubernetes-validations": rules }),
  };
}

function propertiesOf(fields: Fields): OpenApi {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      field.presence === "ignored"
        ? []
        : [[name, { description: docOf(field), ...openApiOf(field.schema.shape) }]],
    ),
  );
}

function ofUnion(variants: Readonly<Record<string, Fields>>): OpenApi {
  const types = Object.keys(variants);
  const properties: Record<string, unknown> = {};
  const rules: CelRule[] = [];
  for (const [type, fields] of Object.entries(variants)) {
    Object.assign(properties, propertiesOf(fields));
    for (const [name, { presence }] of Object.entries(fields)) {
      if (presence !== "required") continue;
      rules.push({ rule: `self.type != '${type}' || has(self.${name})`, message: `${type} needs ${name}` });
    }
  }
  for (const name of Object.keys(properties)) {
    const owners = types.filter((type) => Object.hasOwn(variants[type] ?? {}, name));
    if (owners.length === types.length) continue;
    const list = owners.map((owner) => `'${owner}'`).join(", ");
    rules.push({
      rule: `!has(self.${name}) || self.type in [${list}]`,
      message: `${name} belongs to ${owners.join(", ")}`,
    });
  }
  return {
    type: "object",
    properties: { type: { description: "Which of them.", type: "string", enum: types }, ...properties },
    required: ["type"],
    ...(rules.length > 0 && { "x-kubernetes-validations": rules }),
  };
}

/** Go writes code points in another way. */
function ofRe2(pattern: string): string {
  return pattern.replace(/\\u([0-9a-fA-F]{4})/g, "\\x{$1}");
}

function docOf({ doc, fallback }: Field<unknown>): string {
  if (fallback === undefined || (typeof fallback === "object" && fallback !== null)) return doc;
  return fallback === "" ? doc : `${doc} Default: ${String(fallback)}.`;
}
