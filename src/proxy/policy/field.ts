/**
 * One field of a rule, compiled: a test, and under which keys the rule can be found by it. What refuses a request reads it
 * in every way that an application might (a header's every value, a path's loose reading), what lets one through in the one
 * way that is certain; so the same values mean more where they refuse, and less where they are negated there.
 */
import type { TextForm } from "../http/text-set.ts";
import type { RequestView } from "./view.ts";

/** A text of a request by which rules are found. */
export interface Key {
  /** What of the request is looked up: `principal`, `path`, `header x-team`, … */
  readonly dimension: string;
  /** `block`: a range of addresses. */
  readonly form: TextForm | { readonly form: "block"; readonly text: string };
}

export interface Field {
  readonly test: (view: RequestView) => boolean;
  /**
   * For each value the keys that whatever it takes has; absent: some need have none. A rule is found by one key of each
   * value.
   */
  readonly keys?: readonly (readonly Key[])[];
}

/** `isLoose`: read in every way that an application might. */
export type Compile<T> = (values: readonly T[], isLoose: boolean) => Field;

/** What a rule does with those that it takes, as far as reading goes. */
export interface Stance {
  readonly refuses: boolean;
  /** Whether a field that only HTTP has holds where there is none. */
  readonly withoutHttp: boolean;
}

/** The fields for a list of values and the negated one. `isHttp`: there is nothing to ask without HTTP. */
export function fieldsOf<T>(
  values: readonly T[] | undefined,
  notValues: readonly T[] | undefined,
  compile: Compile<T>,
  { refuses, withoutHttp }: Stance,
  isHttp: boolean,
): readonly Field[] {
  const fields: Field[] = [];
  if (values !== undefined) fields.push(compile(values, refuses));
  if (notValues !== undefined) {
    const { test } = compile(notValues, !refuses);
    fields.push({ test: (view) => !test(view) });
  }
  if (!isHttp) return fields;
  return fields.map((field) => ({
    ...field,
    test: (view) => (view.http === null ? withoutHttp : field.test(view)),
  }));
}

/** Keys for forms; none where one of them is anything. */
export function keysOf(dimension: string, forms: readonly TextForm[]): Pick<Field, "keys"> {
  if (forms.some(({ form, text }) => form === "any" || text === "")) return {};
  return { keys: forms.map((form) => [{ dimension, form }]) };
}
