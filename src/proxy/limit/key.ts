/** What of a request has a bucket of its own, as one text. A request without it has the empty one. */
import { hash } from "node:crypto";
import { RATE_LIMIT_KEYS, type RateLimitKey } from "../../discovery/rate-limit.ts";
import { looseReading } from "../policy/path-reading.ts";
import type { RequestView } from "../policy/view.ts";

/** Longer parts are digested: ten thousand keys must not be ten thousand heads. */
const MAX_PART = 128;
const SEPARATOR = "\n";

export type ReadKey = (view: RequestView) => string;

/** Reads all parts of a key. Throws a RangeError for a part of a kind that is not known. */
export function keyReader(parts: readonly RateLimitKey[]): ReadKey {
  const readers = parts.map(partReader);
  const [only] = readers;
  if (only !== undefined && readers.length === 1) return (view) => bounded(only(view));
  return (view) => {
    let key = "";
    for (const read of readers) key += bounded(read(view)) + SEPARATOR;
    return key;
  };
}

function partReader(part: RateLimitKey): ReadKey {
  switch (part.kind) {
    case "identity":
      return ({ principal }) => principal ?? "";
    case "sourceAddress":
      return ({ address }) =>
        address === null ? "" : address.v6 === "" ? String(address.v4) : address.v6.slice(0, 8);
    case "header": {
      const { name } = part;
      return ({ http }) => http?.header(name, false).join() ?? "";
    }
    case "pathTemplate": {
      const read = templateReader(part.template);
      // Path parameters and letters in another case would be keys of their own.
      return ({ http }) => (http === null ? "" : read(looseReading(http.path)));
    }
    default:
      throw new RangeError(`a key is one of ${RATE_LIMIT_KEYS.join(", ")}`);
  }
}

/** Whole segments from the path's beginning; what stands in place of `{name}`. */
function templateReader(template: string): (path: string) => string {
  const wanted = template.replace(/\/$/, "").split("/");
  const segments = wanted.map((segment) =>
    segment.startsWith("{") && segment.endsWith("}") ? null : looseReading(segment),
  );
  return (path) => {
    const found = path.split("/", segments.length);
    if (found.length < segments.length) return "";
    let key = "";
    for (const [i, segment] of segments.entries()) {
      if (segment === null) key += `/${found[i]}`;
      else if (segment !== found[i]) return "";
    }
    return key;
  };
}

function bounded(part: string): string {
  return part.length <= MAX_PART ? part : hash("sha256", part, "base64url");
}
