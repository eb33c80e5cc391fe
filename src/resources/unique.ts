/**
 * A rule that several tables share: entries of a list must differ in a field.
 */
import type { Say } from "./schema.ts";

/** Reports each entry whose `field` an earlier entry has as well; entries without it don't count. */
export function reportRepeated<F extends string>(
  entries: readonly { readonly [K in F]?: unknown }[],
  field: F,
  say: Say,
): void {
  const first = new Map<unknown, number>();
  for (const [i, entry] of entries.entries()) {
    const value = entry[field];
    if (value === undefined) continue;
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, i);
    else say([i, field], `${JSON.stringify(value)} is there already, in entry ${earlier}`, "another one");
  }
}
