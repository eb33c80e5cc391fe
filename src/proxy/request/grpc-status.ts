/**
 * The gRPC status of a response that has no message: in its head (gRPC's Trailers-Only) or in the trailers of its body. Looked at
 * where the rule tries again for some of them.
 */
import { GRPC_STATUS, TE } from "../http/fields.ts";
import { BY_CHUNKS } from "../http1/body.ts";
import type { ClientConnection } from "../http1/client-connection.ts";
import type { Exchange } from "./exchange.ts";

/** The last chunk, in its usual spelling. */
const LAST_CHUNK_BYTES = 3;
const STATUS = /(?:^|\n)grpc-status:[ \t]*(\d{1,2})[ \t]*\r?\n/i;

/** Of a final response whose head is there: empty when nobody looks at it or there is none; null: it may be in the trailers. */
export function statusInHead(
  { connection, tries }: Exchange,
  { head, body }: ClientConnection,
): string | null {
  const { policy } = tries.retries;
  if (!policy.readsGrpc || policy.attempts === 0 || !connection.head.has(TE)) return "";
  if (head.has(GRPC_STATUS)) return head.value(head.find(GRPC_STATUS));
  return body.framing === BY_CHUNKS ? null : "";
}

/** Of what has been pulled: empty when there is a message, or no status. */
export function statusInTrailers({ body, bodyStart }: ClientConnection): string {
  if (!body.isDone || body.outputEnd - bodyStart > LAST_CHUNK_BYTES) return "";
  return STATUS.exec(body.tail.toString("latin1"))?.[1] ?? "";
}
