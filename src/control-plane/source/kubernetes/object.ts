/** Reading what the API server sends: plain JSON of which nothing is taken for granted. */

export type Json = Readonly<Record<string, unknown>>;

const NONE: Json = {};

export function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A map, or an empty one. */
export function mapOf(value: unknown): Json {
  return isMap(value) ? value : NONE;
}

/** The maps of a list. */
export function mapsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function metadataOf(object: Json): Json {
  return mapOf(object["metadata"]);
}

/** Labels and annotations: what is no text is left out. */
export function textsOf(value: unknown): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [key, text] of Object.entries(mapOf(value))) if (typeof text === "string") found[key] = text;
  return found;
}

/** `<namespace>/<name>`; that of an object of the cluster has no namespace: `/<name>`. */
export function keyOf(object: Json): string | undefined {
  const { namespace, name } = metadataOf(object);
  return typeof name === "string" && name !== "" ? `${textOf(namespace) ?? ""}/${name}` : undefined;
}
