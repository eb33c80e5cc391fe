/** Documents that differ from a right one in one place: each value of it, made what its field's shape does not take, or just about takes. */
import { type Fields, isMap } from "../../../src/resources/schema.ts";
import type { Shape } from "../../../src/resources/shape.ts";

export interface Mutant {
  /** `spec.limits[0].requests = 0`. */
  readonly label: string;
  readonly value: unknown;
}

/** All of them of a value of a shape; each is the whole value with one change. */
export function* mutantsOf(shape: Shape, value: unknown, label = "spec"): Iterable<Mutant> {
  for (const other of othersThan(shape, value)) yield { label: `${label} = ${shown(other)}`, value: other };
  if (shape.kind === "list" && Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      for (const mutant of mutantsOf(shape.item, item, `${label}[${i}]`))
        yield { ...mutant, value: value.with(i, mutant.value) };
    }
  }
  if (!isMap(value)) return;
  const fields = fieldsOf(shape, value);
  for (const [name, child] of Object.entries(value)) {
    const below = fields?.[name]?.schema.shape ?? (shape.kind === "map" ? shape.value : undefined);
    if (below === undefined) continue;
    const { [name]: _removed, ...rest } = value;
    yield { label: `${label} without ${name}`, value: rest };
    for (const mutant of mutantsOf(below, child, `${label}.${name}`))
      yield { ...mutant, value: { ...value, [name]: mutant.value } };
  }
}

function fieldsOf(shape: Shape, value: Readonly<Record<string, unknown>>): Fields | undefined {
  if (shape.kind === "object") return shape.fields;
  return shape.kind === "union" ? shape.variants[String(value["type"])] : undefined;
}

const DURATIONS = [
  "",
  "10",
  "1x",
  "-1s",
  "0s",
  "0",
  "1ms",
  "1.5s",
  "1h30m",
  "30m1h",
  "576h",
  "577h",
  "100000h",
  " 1s",
];
const TEXTS = [
  "",
  " ",
  "a",
  "A",
  "a b",
  "ä",
  "-",
  "a-",
  "a.b",
  "/",
  "/a",
  "/a?b",
  "*",
  "a*b",
  "1",
  "true",
  "10.0.0.1",
];

function othersThan(shape: Shape, value: unknown): readonly unknown[] {
  switch (shape.kind) {
    case "integer":
      return [shape.min, shape.max, shape.min - 1, shape.max + 1, 1.5, "1", true, [], {}];
    case "boolean":
      return ["true", 1, [], {}];
    case "string":
      return [...TEXTS, "a".repeat(shape.maxLength), "a".repeat(shape.maxLength + 1), 1, true, [], {}];
    case "duration":
      return [...DURATIONS, 10, []];
    case "portReference":
      return [0, 1, 65_535, 65_536, 1.5, "http", "80", "0", "99999", "", "A_B", true, []];
    case "statusRange":
      return [99, 100, 599, 600, 200.5, "200", "200-", "299-200", "100-599", "x", "", true];
    case "enum":
      return [...shape.values, "", "nonsense", 99, true, []];
    case "list":
      return Array.isArray(value) ? lengthsOf(shape, value) : [];
    case "map":
      return [{}, [], "a", crowd(shape.maxEntries + 1, value), { ...copy(value), "not/a/key": first(value) }];
    case "object":
    case "union":
      return [{}, [], "a", 1, { ...copy(value), weftTypo: 1 }];
  }
}

function lengthsOf(
  { maxItems }: Extract<Shape, { kind: "list" }>,
  value: readonly unknown[],
): readonly unknown[] {
  const many = (count: number) => Array.from({ length: count }, () => value[0]);
  return [[], {}, "a", many(maxItems + 1), many(2)];
}

function crowd(count: number, value: unknown): object {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, first(value)]));
}

function first(value: unknown): unknown {
  return isMap(value) ? Object.values(value)[0] : undefined;
}

function copy(value: unknown): object {
  return isMap(value) ? value : {};
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text;
}
