/** `when` of an AuthorizationPolicy's rule: what is asked of a request beside who sent it and what it asks for. */
import { atLeastOne } from "../cel.ts";
import { mismatch, type Path } from "../problem.ts";
import { object, optional, refine, required, type Schema } from "../schema.ts";
import { closest } from "../suggest.ts";
import { ipBlock, matchPort, matchText, some } from "./policy-values.ts";

const KEYS = [
  "request.headers[name]",
  "request.auth.principal",
  "request.auth.audiences",
  "request.auth.presenter",
  "request.auth.claims[name]",
  "source.ip",
  "source.namespace",
  "source.principal",
  "destination.port",
] as const;

const HEADER = /^request\.headers\[[!#$%&'*+\-.^_`|~0-9A-Za-z]+\]$/;
const CLAIM = /^request\.auth\.claims(?:\[[^[\]]+\])+$/;

const EXPECTED = `one of ${KEYS.join(", ")}`;

/** A key of Istio's that Weft knows. */
const conditionKey: Schema<string> = {
  shape: { kind: "string", expected: EXPECTED, maxLength: 512 },
  check: (value, path, report) => {
    const isKnown =
      typeof value === "string" &&
      value.length <= 512 &&
      ((KEYS as readonly string[]).includes(value) || HEADER.test(value) || CLAIM.test(value)) &&
      !value.endsWith("[name]");
    if (isKnown) return value;
    const problem = mismatch(path, EXPECTED, value);
    const suggestion = typeof value === "string" ? closest(value, KEYS) : undefined;
    report(suggestion === undefined ? problem : { ...problem, suggestion });
    return undefined;
  },
};

export const condition = refine(
  object({
    key: required(conditionKey, "What is asked.", "Istio `when.key`"),
    values: optional(
      some(matchText),
      "It must be one of these; a header that occurs several times: all of its values for ALLOW, any for DENY.",
    ),
    notValues: optional(some(matchText), "It must be none of these."),
  }),
  ({ key, values, notValues }, say) => {
    if (values === undefined && notValues === undefined) say([], "needs values or notValues", "values");
    if (key.toLowerCase() === "request.headers[host]") {
      say(["key"], "is asked with `to.operation.hosts`", "to.operation.hosts");
    }
    const form = formOf(key);
    if (form === undefined) return;
    for (const [field, list = []] of [
      ["values", values],
      ["notValues", notValues],
    ] as const) {
      for (const [i, value] of list.entries()) {
        const complain = (problem: { readonly expected: string }) =>
          say([field, i], `must be ${problem.expected}`, problem.expected);
        form.check(value, NOWHERE, complain);
      }
    }
  },
  atLeastOne("values", "notValues"),
);

const NOWHERE: Path = [];

function formOf(key: string): Schema<unknown> | undefined {
  if (key === "source.ip") return ipBlock;
  return key === "destination.port" ? matchPort : undefined;
}
