/** A rule, compiled: whether it takes a request, and the choices of keys under which it can be found. */
import type { AuthorizationRule } from "../../discovery/policy.ts";
import type { Field, Key, Stance } from "./field.ts";
import { conditionFields, operationFields, sourceFields } from "./rule-fields.ts";
import type { RequestView } from "./view.ts";

/**
 * A way to find a rule: every request that it takes has, for one of the alternatives, a key of each of its choices. So one
 * choice of each alternative is enough.
 */
export type Filing = readonly (readonly (readonly Key[])[])[];

export class CompiledRule {
  /** `AuthorizationPolicy default/web rule 0`. */
  readonly source: string;
  /** Among all rules of its action: the first that takes a request is the one that is named. */
  readonly order: number;
  readonly filings: readonly Filing[];
  /** Any of the inner ones, all of the outer ones. */
  readonly #parts: readonly (readonly (readonly Field[])[])[];

  /** Throws a RangeError for what can't be compiled. */
  constructor(source: string, order: number, rule: AuthorizationRule, stance: Stance) {
    this.source = source;
    this.order = order;
    const parts: (readonly (readonly Field[])[])[] = [];
    if (rule.from !== undefined) parts.push(rule.from.map((each) => sourceFields(each, stance)));
    if (rule.to !== undefined) parts.push(rule.to.map((each) => operationFields(each, stance)));
    for (const each of rule.when ?? []) parts.push([conditionFields(each, stance)]);
    this.#parts = parts;
    this.filings = parts.map((alternatives) =>
      alternatives.map((fields) => fields.flatMap(({ keys }) => (keys === undefined ? [] : [keys]))),
    );
  }

  takes(view: RequestView): boolean {
    for (const alternatives of this.#parts) if (!anyHolds(alternatives, view)) return false;
    return true;
  }
}

function anyHolds(alternatives: readonly (readonly Field[])[], view: RequestView): boolean {
  for (const fields of alternatives) if (allHold(fields, view)) return true;
  return false;
}

function allHold(fields: readonly Field[], view: RequestView): boolean {
  for (const field of fields) if (!field.test(view)) return false;
  return true;
}
