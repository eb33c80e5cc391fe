/** The gRPC status of a response that has no message, from the trailers of its body. */
import type { ClientConnection } from "../http1/client-connection.ts";

/** The last chunk, in its usual spelling. */
const LAST_CHUNK_BYTES = 3;
const STATUS = /(?:^|\n)grpc-status:[ \t]*(\d{1,2})[ \t]*\r?\n/i;

/** Of what has been pulled: empty when there is a message, or no status. */
export function trailersOnlyStatus({ body, bodyStart }: ClientConnection): string {
  if (!body.isDone || body.outputEnd - bodyStart > LAST_CHUNK_BYTES) return "";
  return STATUS.exec(body.tail.toString("latin1"))?.[1] ?? "";
}
