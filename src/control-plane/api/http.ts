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
/** Most bytes of a refused body that are read to the end. */
const MAX_DISCARDED = 64 * 1_048_576;

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

/**
 * Names that no stranger can have in public DNS, and so can't rebind: of one label (a compose service), `.localhost`
 * (RFC 6761), `.local` (RFC 6762, Kubernetes' `svc.cluster.local`), `.internal`, and Kubernetes' `.svc`.
 */
const PRIVATE_NAME = /^[a-z0-9_-]+$|\.(?:localhost|local|internal|svc)$/i;

/** Refuses a Host that is neither an address nor a name of a private network. */
export function checkHost(request: IncomingMessage): void {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0 || PRIVATE_NAME.test(host)) return;
  throw new HttpError(
    421,
    "wrong_host",
    "the Host must be an IP address, a name without dots, or end in .localhost, .local, .internal or .svc",
  );
}

/** The body, which must say that it is JSON. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new HttpError(415, "content_type", "the content type must be application/json");
  }
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  // Not `for await`, which would destroy the request, and with it the answer, when it is left early.
  await new Promise<void>((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY) chunks.push(chunk);
      else reject(tooLarge());
    });
    request.once("end", resolve);
    request.once("error", reject);
    request.once("close", () => reject(new HttpError(400, "cut_short", "the body was cut short")));
  });
  return Buffer.concat(chunks);
}

/**
 * Reads on, and forgets, what a client sends that was refused: closed at once, its connection would be reset before it
 * has read the answer. So much and no more.
 */
export function discard(request: IncomingMessage): void {
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_DISCARDED) request.destroy();
  });
}

function tooLarge(): HttpError {
  return new HttpError(413, "too_large", `a body may have at most ${MAX_BODY} bytes`);
}
