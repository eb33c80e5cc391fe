/** Which of two policies for the same thing holds (Gateway API, GEP-713). */
import type { Metadata } from "./metadata.ts";

interface Dated {
  readonly metadata: Pick<Metadata, "name" | "creationTimestamp">;
}

/** Older first, then by name; those without a time come last. For `sort`. */
export function byPrecedence(a: Dated, b: Dated): number {
  return keyOf(a) <= keyOf(b) ? -1 : 1;
}

function keyOf({ metadata }: Dated): string {
  return `${metadata.creationTimestamp ?? "~"} ${metadata.name}`;
}
