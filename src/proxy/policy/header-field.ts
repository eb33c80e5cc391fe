/**
 * Values of a header as policies compare them. A header may occur several times and hold lists; applications take the first,
 * the last or all. What refuses compares with each value and each part of a list; what lets through wants all of them to
 * hold (Envoy's CVE-2026-26308 came of comparing them joined), and reads only fields that the application gets.
 */

import { formOf, TextSet } from "../http/text-set.ts";
import { type Compile, keysOf } from "./field.ts";

/** One condition on a header. */
export function headers(name: string): Compile<string> {
  const lower = name.toLowerCase();
  return (values, isLoose) => {
    const forms = values.map(formOf);
    const set = new TextSet(forms);
    const takes = (value: string) => set.has(value);
    return {
      test: ({ http }) => {
        const found = http?.header(lower, !isLoose) ?? [];
        if (found.length === 0) return false;
        return isLoose
          ? found.some((value) => takes(value) || parts(value).some(takes))
          : found.every((value) => takes(value) || (value.includes(",") && parts(value).every(takes)));
      },
      ...keysOf(`header ${lower}`, forms),
    };
  };
}

/** All texts by which a rule with a condition on the header may be found. */
export function headerTexts(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => (value.includes(",") ? [value, ...parts(value)] : [value]));
}

/** The members of a list (RFC 9110 §5.6.1). */
function parts(value: string): readonly string[] {
  return value.split(",").map((part) => part.trim());
}
