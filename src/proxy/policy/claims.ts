/** Claims of a token as conditions ask for them. */
import type { Claims } from "./view.ts";

const NONE: readonly string[] = [];

/** Texts of the claim at `path`: those of a list, and the words of `scope` (RFC 8693 §4.2), one by one. */
export function claimValues(claims: Claims | null, path: readonly string[]): readonly string[] {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return NONE;
    value = (value as Claims)[name];
  }
  if (Array.isArray(value)) return value.flatMap((item: unknown) => text(item));
  return path.length === 1 && path[0] === "scope" && typeof value === "string"
    ? value.split(" ")
    : text(value);
}

/** `<issuer>/<subject>`; null where either is missing. */
export function requestPrincipal(claims: Claims | null): string | null {
  const [issuer] = claimValues(claims, ["iss"]);
  const [subject] = claimValues(claims, ["sub"]);
  return issuer === undefined || subject === undefined ? null : `${issuer}/${subject}`;
}

function text(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "number" || typeof value === "boolean" ? [String(value)] : NONE;
}
