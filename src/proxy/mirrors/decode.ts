/**
 * Bodies without their content coding, so that one in gzip and one that is not can be the same. Bounded: a body of 64 KiB can hold
 * 64 MB of zeros.
 */
import type { ZlibOptions } from "node:zlib";
import { bodyBytesOf } from "../../discovery/mirror-comparison.ts";
import type { MirrorSample, ResponseSample } from "./sample.ts";

/** How much larger than its bound a body may become, … */
const MAX_GROWTH = 10;
/** … and how large at most: the values in 1 MiB of JSON take up to 60 MB. */
const MAX_BYTES = 1_048_576;

/** `too_large`: the body, or what is in it. Null: its coding is none that is known, or it does not hold what it says. */
export type Decoded = Uint8Array | "too_large" | null;

export function decoded({ encoding, body }: ResponseSample, settings: MirrorSample["settings"]): Decoded {
  if (body === null) return "too_large";
  const coding = encoding.trim().toLowerCase();
  if (coding === "" || coding === "identity" || body.length === 0) return body;
  const decode = decoderOf(coding);
  if (decode === null) return null;
  try {
    return decode(body, { maxOutputLength: Math.min(bodyBytesOf(settings) * MAX_GROWTH, MAX_BYTES) });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : null;
  }
}

/** Fetched at first use: a sidecar that compares nothing does without node:zlib. */
function decoderOf(coding: string): ((body: Uint8Array, options: ZlibOptions) => Uint8Array) | null {
  const { gunzipSync, inflateSync, brotliDecompressSync } = process.getBuiltinModule("node:zlib");
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return gunzipSync;
    case "deflate":
      return inflateSync;
    case "br":
      return (body, options) => brotliDecompressSync(body, options);
    default:
      return null;
  }
}
