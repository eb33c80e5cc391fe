/**
 * What follows the `?`. A parameter that is not known is refused, since what it was to do would not be done: `?dryrun=true`
 * would write.
 */
import { parseDuration } from "../../resources/duration.ts";
import { closest } from "../../resources/suggest.ts";
import { HttpError } from "./http.ts";

const PARAMETERS = ["dryRun", "kind", "namespace", "origins", "wait", "window"] as const;
type Parameter = (typeof PARAMETERS)[number];

/** Throws for parameters that no address takes. */
export function checkQuery(url: URL): void {
  for (const name of url.searchParams.keys()) {
    if (PARAMETERS.some((known) => known === name)) continue;
    throw invalidQuery(`no parameter ${JSON.stringify(name)}${didYouMean(closest(name, PARAMETERS))}`);
  }
}

/** A duration in milliseconds. */
export function durationOf(url: URL, parameter: Parameter, fallback: number): number {
  const text = url.searchParams.get(parameter);
  const ms = text === null ? fallback : parseDuration(text);
  if (ms === undefined) throw invalidQuery(`${parameter} must be a duration such as 10s`);
  return ms;
}

/** `true` or `false`; absent: false. */
export function flagOf(url: URL, parameter: Parameter): boolean {
  const text = url.searchParams.get(parameter) ?? "false";
  if (text !== "true" && text !== "false") throw invalidQuery(`${parameter} must be true or false`);
  return text === "true";
}

/** `; did you mean "…"?`, or nothing. */
export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? "" : `; did you mean "${suggestion}"?`;
}

function invalidQuery(message: string): HttpError {
  return new HttpError(400, "invalid_query", message);
}
