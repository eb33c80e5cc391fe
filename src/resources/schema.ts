/**
 * Field tables: what a resource may say, as values from which come its check, its defaults, its TypeScript type
 * (`Infer`), its JSON schema and its reference page. A check reports everything that is wrong, not the first thing, and
 * never throws. Fields that no table has are errors, so that a typing mistake can't silently mean "default".
 */
import type { CelRule } from "./cel.ts";
import { mismatch, oneOf, type Path, type Problem, type Report, show } from "./problem.ts";
import type { Shape } from "./shape.ts";
import { closest } from "./suggest.ts";

/** Unknown fields of one map that get a suggestion. */
const MAX_SUGGESTIONS = 100;

/** Checks values and says what they may be. */
export interface Schema<out T> {
  readonly shape: Shape;
  /** The value with its defaults, or undefined after at least one report. */
  readonly check: (value: unknown, path: Path, report: Report) => T | undefined;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

/** `ignored` fields are accepted and not read: what Kubernetes writes into its objects. */
export type Presence = "required" | "optional" | "default" | "ignored";

export interface Field<out T, P extends Presence = Presence> {
  readonly schema: Schema<T>;
  readonly doc: string;
  readonly presence: P;
  /** As it would be written in YAML. */
  readonly fallback?: unknown;
  /** What other meshes and proxies call it. */
  readonly peer?: string;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;
type KeyOf<F, K, P> = K extends keyof F ? (F[K] extends { readonly presence: P } ? K : never) : never;
type Flat<T> = { readonly [K in keyof T]: T[K] };
export type ObjectOf<F> = Flat<
  { readonly [K in keyof F as KeyOf<F, K, "required" | "default">]: ValueOf<F[K]> } & {
    readonly [K in keyof F as KeyOf<F, K, "optional">]?: ValueOf<F[K]>;
  }
>;
type UnionOf<V> = { [K in keyof V]: Flat<{ readonly type: K } & ObjectOf<V[K]>> }[keyof V];

export function required<T>(schema: Schema<T>, doc: string, peer?: string): Field<T, "required"> {
  return { schema, doc, presence: "required", ...named(peer) };
}

export function optional<T>(schema: Schema<T>, doc: string, peer?: string): Field<T, "optional"> {
  return { schema, doc, presence: "optional", ...named(peer) };
}

/** `fallback` is what stands there when nothing is written, as it would be written. */
export function withDefault<T>(
  schema: Schema<T>,
  fallback: unknown,
  doc: string,
  peer?: string,
): Field<T, "default"> {
  return { schema, doc, presence: "default", fallback, ...named(peer) };
}

function named(peer: string | undefined): { readonly peer?: string } {
  return peer === undefined ? {} : { peer };
}

/** A field that is accepted whatever it holds, and not read. */
export function ignored(doc: string): Field<unknown, "ignored"> {
  const shape: Shape = { kind: "boolean" };
  return { schema: { shape, check: (value) => value ?? {} }, doc, presence: "ignored" };
}

/** A map with known keys. */
export function object<F extends Fields>(fields: F): Schema<ObjectOf<F>> {
  return {
    shape: { kind: "object", fields },
    check: (value, path, report) => {
      if (!isMap(value)) {
        report(mismatch(path, "a map", value));
        return undefined;
      }
      return checkFields(fields, value, path, report) as ObjectOf<F> | undefined;
    },
  };
}

/** A map whose field `type` says which other fields it has. */
export function union<V extends Readonly<Record<string, Fields>>>(variants: V): Schema<UnionOf<V>> {
  const types = Object.keys(variants);
  return {
    shape: { kind: "union", variants },
    check: (value, path, report) => {
      if (!isMap(value)) {
        report(mismatch(path, "a map", value));
        return undefined;
      }
      const type = oneOfValues(types).check(own(value, "type"), [...path, "type"], report);
      const fields = type === undefined ? undefined : variants[type];
      if (fields === undefined) return undefined;
      const tagged: Fields = { type: required(oneOfValues(types), "Which of them."), ...fields };
      return checkFields(tagged, value, path, report) as UnionOf<V> | undefined;
    },
  };
}

/** One of a few words or numbers. */
export function oneOfValues<const V extends string | number>(values: readonly V[]): Schema<V> {
  return {
    shape: { kind: "enum", values },
    check: (value, path, report) => {
      const found = values.find((candidate) => candidate === value);
      if (found !== undefined) return found;
      const problem = mismatch(path, oneOf(values.map(String)), value);
      const suggestion = typeof value === "string" ? closest(value, values.map(String)) : undefined;
      report(suggestion === undefined ? problem : { ...problem, suggestion });
      return undefined;
    },
  };
}

/** Many of the same. */
export function list<T>(
  item: Schema<T>,
  { min = 0, max }: { readonly min?: number; readonly max: number },
): Schema<readonly T[]> {
  return {
    shape: { kind: "list", item: item.shape, minItems: min, maxItems: max },
    check: (value, path, report) => {
      if (!Array.isArray(value)) {
        report(mismatch(path, "a list", value));
        return undefined;
      }
      if (value.length < min || value.length > max) {
        const expected =
          value.length > max
            ? `at most ${max} entries`
            : `at least ${min} ${min === 1 ? "entry" : "entries"}`;
        const found = String(value.length);
        report({ path, at: "value", message: `must have ${expected}, found ${found}`, found, expected });
        return undefined;
      }
      const items = value.map((entry: unknown, i) => item.check(entry, [...path, i], report));
      return items.includes(undefined) ? undefined : (items as T[]);
    },
  };
}

/** Any keys of a form, all with the same kind of value. */
export function map<T>(
  key: Schema<string>,
  value: Schema<T>,
  { max }: { readonly max: number },
): Schema<Readonly<Record<string, T>>> {
  const keyText = key.shape.kind === "string" ? key.shape.expected : "a word";
  return {
    shape: { kind: "map", key: keyText, value: value.shape, maxEntries: max },
    check: (given, path, report) => {
      if (!isMap(given)) {
        report(mismatch(path, "a map", given));
        return undefined;
      }
      const names = Object.keys(given);
      if (names.length > max) {
        const [found, expected] = [String(names.length), `at most ${max} entries`];
        report({ path, at: "value", message: `must have ${expected}, found ${found}`, found, expected });
        return undefined;
      }
      let isRight = true;
      const entries: [string, T][] = [];
      for (const name of names) {
        const at = [...path, name];
        const keyIsRight =
          name !== "__proto__" &&
          key.check(name, at, (p) => report({ ...p, at: "key", message: `key ${p.message}` })) !== undefined;
        if (name === "__proto__") report(unknownField(at, name, []));
        const checked = value.check(given[name], at, report);
        if (keyIsRight && checked !== undefined) entries.push([name, checked]);
        else isRight = false;
      }
      return isRight ? Object.fromEntries(entries) : undefined;
    },
  };
}

/** Reports something at a field below a value, or at the value itself. */
export type Say = (below: Path, message: string, expected: string) => void;

/** Adds a rule about the whole value; `say` refuses it, `warn` does not. `cel`: what of it an API server can check of a map. */
export function refine<T>(
  schema: Schema<T>,
  rule: (value: T, say: Say, warn: Say) => void,
  ...cel: readonly CelRule[]
): Schema<T> {
  const { shape } = schema;
  const rules = shape.kind === "object" ? [...(shape.rules ?? []), ...cel] : [];
  return {
    shape: rules.length > 0 && shape.kind === "object" ? { ...shape, rules } : shape,
    check: (value, path, report) => {
      const checked = schema.check(value, path, report);
      if (checked === undefined) return undefined;
      let isRight = true;
      const problem = (below: Path, message: string, expected: string): Problem => {
        const found = show(
          below.reduce<unknown>(
            (at, key) => (isMap(at) || Array.isArray(at) ? Reflect.get(at, key) : undefined),
            value,
          ),
        );
        return { path: [...path, ...below], at: "value", message, found, expected };
      };
      const say: Say = (...what) => {
        isRight = false;
        report(problem(...what));
      };
      rule(checked, say, (...what) => report({ ...problem(...what), severity: "warning" }));
      return isRight ? checked : undefined;
    },
  };
}

/** Reads the value as something else; what may be written stays the same. */
export function transform<T, U>(schema: Schema<T>, read: (value: T) => U): Schema<U> {
  return {
    shape: schema.shape,
    check: (value, path, report) => {
      const checked = schema.check(value, path, report);
      return checked === undefined ? undefined : read(checked);
    },
  };
}

function checkFields(
  fields: Fields,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): Record<string, unknown> | undefined {
  let isRight = true;
  let unknown = 0;
  const names = Object.keys(fields);
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(fields, name)) continue;
    // To suggest is to compare with all names: not for the thousandth.
    report(unknownField([...path, name], name, unknown++ < MAX_SUGGESTIONS ? names : []));
    isRight = false;
  }
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.presence === "ignored") continue;
    const written = own(value, name) ?? undefined;
    if (written === undefined && field.presence === "optional") continue;
    if (written === undefined && field.presence === "required") {
      const expected = "a value";
      report({ path: [...path, name], at: "key", message: "is required", found: "nothing", expected });
      isRight = false;
      continue;
    }
    const checked = field.schema.check(written ?? field.fallback, [...path, name], report);
    if (checked === undefined) isRight = false;
    else result[name] = checked;
  }
  return isRight ? result : undefined;
}

function unknownField(path: Path, name: string, known: readonly string[]) {
  const suggestion = closest(name, known);
  const expected = known.length === 0 ? "another name" : `one of ${known.join(", ")}`;
  const problem = { path, at: "key", message: "unknown field", found: show(name), expected } as const;
  return suggestion === undefined ? problem : { ...problem, suggestion };
}

function own(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
