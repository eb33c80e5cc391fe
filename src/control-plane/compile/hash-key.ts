/** What a TrafficPolicy hashes of requests, as sidecars know it. */
import type { HashKey } from "../../discovery/messages.ts";

type Hash = Readonly<Partial<Record<"header" | "cookie" | "query", string | undefined>>>;

/** Validated to name one thing; nothing but an empty one is left for the source address. */
export function hashKey(hash: Hash | undefined): HashKey | undefined {
  if (hash === undefined) return undefined;
  if (hash.header !== undefined) return { kind: "header", name: hash.header.toLowerCase() };
  if (hash.cookie !== undefined) return { kind: "cookie", name: hash.cookie };
  return hash.query === undefined ? { kind: "source" } : { kind: "query", name: hash.query };
}
