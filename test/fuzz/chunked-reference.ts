/** A chunked body by the grammar of RFC 9112 §7.1, over a whole string; limits are those of the codec. */
import { type Field, readFields, valuesOf } from "./http-reference.ts";

export type ChunkedVerdict =
  | {
      readonly kind: "whole";
      readonly data: string;
      readonly trailers: readonly Field[];
      readonly rest: string;
    }
  | { readonly kind: "bad" }
  /** No fault yet, and no end. */
  | { readonly kind: "open"; readonly data: string };

const BAD: ChunkedVerdict = { kind: "bad" };

export function referenceChunked(text: string): ChunkedVerdict {
  let rest = text;
  let data = "";
  for (;;) {
    const line = /^([0-9A-Fa-f]{1,13})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n/.exec(rest);
    if (line === null) return isChunkLinePrefix(rest) ? { kind: "open", data } : BAD;
    rest = rest.slice(line[0].length);
    const size = Number.parseInt(line[1] ?? "", 16);
    if (size === 0) return trailers(rest, data);
    data += rest.slice(0, size);
    if (rest.length < size + 2) return "\r\n".startsWith(rest.slice(size)) ? { kind: "open", data } : BAD;
    if (rest.slice(size, size + 2) !== "\r\n") return BAD;
    rest = rest.slice(size + 2);
  }
}

function isChunkLinePrefix(text: string): boolean {
  return /^(?:[0-9A-Fa-f]{0,13}|[0-9A-Fa-f]{1,13}(?:;[\t\x20-\x7e\x80-\xff]*)?\r?)$/.test(text);
}

function trailers(rest: string, data: string): ChunkedVerdict {
  if (rest.startsWith("\r\n")) return { kind: "whole", data, trailers: [], rest: rest.slice(2) };
  const end = rest.indexOf("\r\n\r\n");
  const section = end < 0 ? rest : rest.slice(0, end);
  const lines = section.split("\r\n");
  const unfinished = end < 0 ? (lines.pop() ?? "") : "";
  const fields = readFields(lines);
  if (fields === undefined || !mayFrame(fields) || fields.length > 64) return BAD;
  if (end >= 0) return { kind: "whole", data, trailers: fields, rest: rest.slice(end + 4) };
  return isFieldPrefix(unfinished) ? { kind: "open", data } : BAD;
}

/** Framing fields are never passed on, but nonsense in them is refused like everywhere. */
function mayFrame(fields: readonly Field[]): boolean {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  return (
    lengths.length <= 1 &&
    codings.length <= 1 &&
    lengths.every((value) => /^\d{1,15}$/.test(value)) &&
    codings.every((value) => value.toLowerCase() === "chunked")
  );
}

function isFieldPrefix(text: string): boolean {
  return /^(?:\r|[!#$%&'*+\-.^_`|~0-9A-Za-z]*|[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r?)$/.test(
    text,
  );
}

const DROPPED =
  /^(?:host|connection|content-length|transfer-encoding|expect|upgrade|te|keep-alive|proxy-(?:connection|authorization|authenticate)|http2-settings|x-request-id|traceparent|x-forwarded-.*|x-weft-.+|b3|x-b3-traceid|accept|authorization|cache-control|content-(?:encoding|range|type)|cookie|forwarded|max-forwards|set-cookie|trailer)$/i;

/** Those that may pass on (RFC 9110 §6.5.1): nothing that frames, routes, authenticates or says who speaks. */
export function passingTrailers(fields: readonly Field[]): readonly Field[] {
  return fields.filter((field) => !DROPPED.test(field.name));
}
