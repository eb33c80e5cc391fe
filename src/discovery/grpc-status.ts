/** How a gRPC call ended (gRPC over HTTP/2, Responses). */
import type { IncomingHttpHeaders } from "node:http2";

/** The status that ends a call, for people; its message is percent-encoded. */
export function statusText(trailers: IncomingHttpHeaders): string {
  const message = String(trailers["grpc-message"] ?? "");
  let text = message;
  try {
    text = decodeURIComponent(message);
  } catch {
    // As it came.
  }
  return `grpc-status ${String(trailers["grpc-status"])} ${text}`.trim();
}
