/** TrafficPolicy `mirrorComparison`: what is compared of the real response and the mirror's. */
import { boolean, headerName, integer, text } from "../scalars.ts";
import { list, object, oneOfValues, optional, refine, withDefault } from "../schema.ts";

/** Deepest place that a rule may name: what lies below is compared as a whole. */
const MAX_SEGMENTS = 32;

const pointer = text(`a JSON pointer such as /items/*/updatedAt, of at most ${MAX_SEGMENTS} segments`, {
  pattern: new RegExp(`^(/([^~/]|~[01])*){1,${MAX_SEGMENTS}}$`),
});

export const mirrorComparison = refine(
  object({
    headers: optional(
      list(headerName, { min: 1, max: 16 }),
      "Headers that are compared, the first 4096 characters of each; default: none.",
    ),
    body: withDefault(
      oneOfValues(["json", "bytes", "none"]),
      "none",
      "How bodies are compared: as JSON values, byte by byte, or not at all.",
    ),
    ignore: optional(
      list(pointer, { min: 1, max: 64 }),
      "JSON pointers to what may differ, with all below it; a segment `*` stands for any element or member.",
    ),
    maxBodyBytes: withDefault(
      integer(1, 1_048_576, { unit: "bytes" }),
      65_536,
      "Largest body that is compared; larger ones count as `too_large`.",
    ),
    sample: withDefault(
      integer(0, 100, { unit: "%" }),
      100,
      "Share of mirrored requests whose responses are compared.",
    ),
    showValues: withDefault(
      boolean,
      false,
      "Whether the report shows examples of what differs; they may hold secrets of users.",
    ),
  }),
  ({ body, headers, ignore }, say) => {
    if (ignore !== undefined && body !== "json")
      say(["ignore"], "is for bodies that are compared as JSON", "body: json");
    const seen = new Set<string>();
    for (const [i, name] of (headers ?? []).entries()) {
      if (seen.has(name.toLowerCase())) say(["headers", i], "names a header again", "each header once");
      seen.add(name.toLowerCase());
    }
  },
  {
    rule: "!has(self.ignore) || (has(self.body) && self.body == 'json')",
    message: "ignore is for bodies that are compared as JSON",
  },
);
