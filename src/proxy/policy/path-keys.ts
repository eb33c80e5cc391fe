/**
 * By what a rule with a path is found. A template is found by any of its literal segments: those before `{**}` are counted
 * from the path's beginning, those after it from its end.
 */

import { formOf } from "../http/text-set.ts";
import type { Key } from "./field.ts";
import { ANY, isTemplate, ONE, readingOf, segmentsOf } from "./path-set.ts";

/** Keys that whatever a policy's path takes has; none for what takes every path. */
export function pathKeys(value: string, isLoose: boolean): readonly Key[] {
  const dimension = isLoose ? "loose path" : "path";
  if (!isTemplate(value)) {
    const { form, text } = formOf(value);
    const read = readingOf(isLoose)(text);
    return form === "any" || read === "" ? [] : [{ dimension, form: { form, text: read } }];
  }
  const segments = segmentsOf(value, isLoose);
  const any = segments.indexOf(ANY);
  return segments.flatMap((text, i) => {
    if (text === ONE || text === ANY || text === "") return [];
    const at = any >= 0 && i > any ? i - segments.length : i;
    return [{ dimension: `${dimension} segment ${at}`, form: { form: "exact", text } }];
  });
}

/** A segment of a path, counted from 0, or from -1 at its end; null where there is none. */
export function segmentAt(path: string, at: number): string | null {
  if (at < 0) {
    let end = path.length;
    for (let i = -1; i > at; i--) {
      end = path.lastIndexOf("/", end - 1);
      if (end <= 0) return null;
    }
    const slash = path.lastIndexOf("/", end - 1);
    return slash < 0 ? null : path.slice(slash + 1, end);
  }
  let start = 1;
  for (let i = 0; i < at; i++) {
    start = path.indexOf("/", start) + 1;
    if (start === 0) return null;
  }
  const end = path.indexOf("/", start);
  return end < 0 ? path.slice(start) : path.slice(start, end);
}
