/** The sidecar's side of an enrolment: one unary call on a connection of its own, on `node:http2` as the stream is. */
import type { IncomingHttpHeaders, SecureClientSessionOptions } from "node:http2";
import {
  ENROL_METHOD,
  type EnrolRequest,
  type EnrolResult,
  REASON_TRAILER,
  RETRY_TRAILER,
  readEnrolAnswer,
} from "./enrolment.ts";
import { frame } from "./grpc-client.ts";
import { statusText } from "./grpc-status.ts";

const http2 = process.getBuiltinModule("node:http2");

const PREFIX_BYTES = 5;
/** A chain and a bundle have a few KiB; the largest that are taken, 256. */
const MAX_ANSWER_BYTES = 512 * 1_024;
/** gRPC's codes after which the same request may succeed: RESOURCE_EXHAUSTED, UNAVAILABLE. */
const RETRIABLE_CODES: ReadonlySet<string> = new Set(["8", "14"]);

/** Asks the control plane at `host:port`. Rejects where it can't be reached or isn't one that TLS verifies. */
export function enrol(
  target: string,
  request: EnrolRequest,
  tls: SecureClientSessionOptions,
  timeoutMs: number,
): Promise<EnrolResult> {
  const { promise, resolve, reject } = Promise.withResolvers<EnrolResult>();
  const session = http2.connect(`https://${target}`, tls);
  const fail = (why: string) => reject(new Error(why));
  const deadline = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
  session.on("error", (error: Error) => fail(error.message));
  session.on("close", () => fail("connection closed"));
  const headers = { ":method": "POST", ":path": ENROL_METHOD, "content-type": "application/grpc" };
  const stream = session.request({ ...headers, te: "trailers" });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let status: IncomingHttpHeaders = {};
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) fail("an answer that is too long");
    else chunks.push(chunk);
  });
  stream.on("response", (received) => {
    status = received;
  });
  stream.on("trailers", (received) => {
    status = received;
  });
  stream.on("error", (error: Error) => fail(error.message));
  stream.on("close", () => {
    const result = read(status, Buffer.concat(chunks));
    if (typeof result === "string") fail(result);
    else resolve(result);
  });
  stream.end(frame(request));
  return promise.finally(() => {
    clearTimeout(deadline);
    session.destroy();
  });
}

function read(status: IncomingHttpHeaders, bytes: Buffer): EnrolResult | string {
  const code = status["grpc-status"];
  if (code === undefined) return "the connection ended before an answer";
  if (code === "0") {
    const answer = readEnrolAnswer(bytes.subarray(PREFIX_BYTES), MAX_ANSWER_BYTES);
    return answer === undefined ? "an answer that is no certificate" : { kind: "issued", answer };
  }
  const reason = status[REASON_TRAILER];
  if (typeof reason !== "string") return statusText(status);
  const retryAfterMs = Number(status[RETRY_TRAILER]);
  const text = statusText(status).replace(/^grpc-status \S+ /, "");
  const refusal = { reason, text, isRetriable: RETRIABLE_CODES.has(String(code)) };
  return {
    kind: "refused",
    refusal: Number.isFinite(retryAfterMs) && retryAfterMs > 0 ? { ...refusal, retryAfterMs } : refusal,
  };
}
