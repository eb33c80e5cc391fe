/**
 * What of a document Weft's tables know. Kinds of others (Service, HTTPRoute, NetworkPolicy) grow fields that Weft has never
 * heard of, and the API server that gave them has checked them already: what is not known is left away instead of refused.
 */
import { KIND_TABLES, type Kind, WEFT_API } from "./resource.ts";
import { type Fields, isMap } from "./schema.ts";
import type { Shape } from "./shape.ts";

/** Of the metadata, what matters; the rest is most of an object. */
const METADATA = ["name", "namespace", "labels", "creationTimestamp"] as const;
/** Annotations that are Weft's begin with it. */
const OWN_PREFIX = "weft.dev/";

/** The document of an API server's object, which in a list has neither kind nor version. */
export function projectObject(kind: Kind, object: Readonly<Record<string, unknown>>): unknown {
  const { apiVersion, spec } = KIND_TABLES[kind];
  const given = isMap(object["metadata"]) ? object["metadata"] : {};
  const kept = METADATA.flatMap((key) => (key in given ? [[key, given[key]] as const] : []));
  const metadata = { ...Object.fromEntries(kept), ...ownAnnotations(given["annotations"]) };
  const written = object["spec"];
  // Ours are cut to their definition by the API server; what it has left is to be told of.
  const known = apiVersion === WEFT_API ? written : project(spec.shape, written);
  return { apiVersion, kind, metadata, ...(known === undefined ? {} : { spec: known }) };
}

function ownAnnotations(annotations: unknown): { readonly annotations?: Readonly<Record<string, unknown>> } {
  if (!isMap(annotations)) return {};
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(OWN_PREFIX));
  return own.length === 0 ? {} : { annotations: Object.fromEntries(own) };
}

function project(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case "object":
      return isMap(value) ? projectFields(shape.fields, value) : value;
    case "union": {
      const fields = isMap(value) ? shape.variants[String(value["type"])] : undefined;
      return fields === undefined || !isMap(value)
        ? value
        : { type: value["type"], ...projectFields(fields, value) };
    }
    case "list":
      return Array.isArray(value) ? value.map((item) => project(shape.item, item)) : value;
    case "map":
      return isMap(value)
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, project(shape.value, item)]))
        : value;
    default:
      return value;
  }
}

function projectFields(fields: Fields, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const written = Object.hasOwn(value, name) ? value[name] : undefined;
    if (written === undefined || field.presence === "ignored") continue;
    kept[name] = project(field.schema.shape, written);
  }
  return kept;
}
