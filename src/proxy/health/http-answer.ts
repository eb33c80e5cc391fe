/** What an answer of HTTP says for people, whether the application gave it or the sidecar before it. */
import type { IncomingMessage } from "node:http";

/** Why the sidecar at the other end answered in the application's place; undefined where it did not. */
export function sidecarError(response: IncomingMessage): string | undefined {
  const text = response.headers["x-weft-error"];
  return typeof text === "string" ? text : undefined;
}

/** `HTTP 503`, with a sidecar's reason behind it. */
export function answerText(response: IncomingMessage): string {
  const reason = sidecarError(response);
  return `HTTP ${response.statusCode}${reason === undefined ? "" : ` (${reason})`}`;
}
