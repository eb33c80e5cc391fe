/** What is compared of a mirrored request's two responses, as a compiled rule says it. Plain data; absent fields have the default that is named. */
export interface MirrorComparison {
  /** Names in lower case. Default: none. */
  readonly headers?: readonly string[];
  /** Absent: bodies are not compared. */
  readonly body?: "json" | "bytes";
  /** JSON pointers to what may differ; a segment `*` stands for any element or member. Default: none. */
  readonly ignore?: readonly string[];
  /** Of each of the two bodies; of larger ones nothing is compared. Default 65,536. */
  readonly maxBodyBytes?: number;
  /** Percent of mirrored requests that are compared. Default 100. */
  readonly sample?: number;
  /** Whether the report has examples of what differs, and not only where. Default false. */
  readonly showValues?: boolean;
}

export const DEFAULT_MAX_BODY_BYTES = 65_536;

/** Largest body that is kept, in bytes; 0: none is. */
export function bodyBytesOf({ body, maxBodyBytes }: MirrorComparison): number {
  return body === undefined ? 0 : (maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
}
