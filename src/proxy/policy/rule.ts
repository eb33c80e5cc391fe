/** A rule, compiled: whether it takes a request, and the ways to find it. */
import type { AuthorizationRule } from "../../discovery/policy.ts";
import type { Field, Stance } from "./field.ts";
import { checkNames, conditionFields, operationFields, sourceFields } from "./rule-fields.ts";
import type { FiledRule } from "./rule-index.ts";
import type { RequestView } from "./view.ts";

type Test = Field["test"];

export class CompiledRule {
  /** `AuthorizationPolicy default/web rule 0`. */
  readonly source: string;
  /** Among all rules of its action: the first that takes a request is the one that is named. */
  readonly order: number;
  /** Any of the inner ones, all of the outer ones. */
  readonly #parts: readonly (readonly (readonly Test[])[])[];

  constructor(source: string, order: number, parts: readonly (readonly (readonly Test[])[])[]) {
    this.source = source;
    this.order = order;
    this.#parts = parts;
  }

  takes(view: RequestView): boolean {
    for (const alternatives of this.#parts) if (!anyHolds(alternatives, view)) return false;
    return true;
  }
}

/** Throws a RangeError for what can't be compiled. */
export function compileRule(
  source: string,
  order: number,
  rule: AuthorizationRule,
  stance: Stance,
): FiledRule {
  checkNames(source, rule, ["from", "to", "when"]);
  const parts: (readonly (readonly Field[])[])[] = [];
  if (rule.from !== undefined) parts.push(rule.from.map((each) => sourceFields(each, stance)));
  if (rule.to !== undefined) parts.push(rule.to.map((each) => operationFields(each, stance)));
  for (const each of rule.when ?? []) parts.push([conditionFields(each, stance)]);
  const filings = parts.map((alternatives) =>
    alternatives.map((fields) => fields.flatMap(({ keys }) => (keys === undefined ? [] : [keys]))),
  );
  const tests = parts.map((alternatives) => alternatives.map((fields) => fields.map(({ test }) => test)));
  return { rule: new CompiledRule(source, order, tests), filings };
}

function anyHolds(alternatives: readonly (readonly Test[])[], view: RequestView): boolean {
  for (const tests of alternatives) if (allHold(tests, view)) return true;
  return false;
}

function allHold(tests: readonly Test[], view: RequestView): boolean {
  for (const test of tests) if (!test(view)) return false;
  return true;
}
