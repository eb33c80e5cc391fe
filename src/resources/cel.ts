/**
 * Rules between fields that an API server can check by itself, in CEL, as they stand beside the rules of `refine`: the same said
 * twice, so that `kubectl apply` refuses what Weft would refuse. Only what CEL says in one line; Weft checks all of it.
 */

/** One of `x-kubernetes-validations`. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** Not both. */
export function notBoth(a: string, b: string): CelRule {
  return { rule: `!(has(self.${a}) && has(self.${b}))`, message: `${b} must not stand beside ${a}` };
}

export function atLeastOne(...names: readonly string[]): CelRule {
  return {
    rule: names.map((name) => `has(self.${name})`).join(" || "),
    message: `needs one of ${names.join(", ")}`,
  };
}

/** Of `flags` only those count that are true. */
export function exactlyOne(names: readonly string[], flags: readonly string[] = []): CelRule {
  const given = names.map((name) => `has(self.${name})`);
  const set = flags.map((name) => `has(self.${name}) && self.${name}`);
  const list = [...given, ...set].join(", ");
  return {
    rule: `[${list}].filter(x, x).size() == 1`,
    message: `needs exactly one of ${[...names, ...flags].join(", ")}`,
  };
}
