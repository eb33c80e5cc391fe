/**
 * The plumbing of the HTTP API: bodies with a limit, JSON out, errors of one form, and the checks that keep web pages
 * out (a page can send a request to a loopback port: it cannot set a JSON content type without asking first, nor forge
 * the Host after rebinding a name).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { Issue } from "../../resources/issue.ts";

/** Largest body, in bytes. */
export const MAX_BODY = 16 * 1_048_576;

/** An answer other than success. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly issues: readonly Issue[] | undefined;

  constructor(status: number, code: string, message: string, issues?: readonly Issue[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.issues = issues;
  }
}

/** Sends `value` as JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(text);
}

/** Sends an error in the form that all of them have. */
export function sendError(response: ServerResponse, error: HttpError): void {
  const { code, message, issues } = error;
  sendJson(response, error.status, { error: { code, message }, ...(issues === undefined ? {} : { issues }) });
}

/** Refuses a Host that is neither an address nor `localhost`. */
export function checkHost(request: IncomingMessage): void {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (host === "localhost" || isIP(host) !== 0) return;
  throw new HttpError(421, "wrong_host", "the Host must be an IP address or localhost");
}

/** The body as JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new HttpError(415, "content_type", "the content type must be application/json");
  }
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new HttpError(400, "invalid_json", "the body is no JSON");
  }
}

function tooLarge(): HttpError {
  return new HttpError(413, "too_large", `a body may have at most ${MAX_BODY} bytes`);
}
