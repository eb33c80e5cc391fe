/**
 * The HTTP API's server: finds the handler, answers errors in one form, never lets one request end the process.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { checkHost, discard, HttpError, sendError, sendJson } from "./http.ts";
import { checkQuery } from "./query.ts";
import { type ApiContext, methodsOf } from "./routes.ts";

export interface ApiOptions extends ApiContext {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
  /** Text of `/metrics` and its content type. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
  /** Called for each answer. */
  readonly onAnswer: (method: string, status: number) => void;
  readonly onError: (error: unknown) => void;
}

export interface Api {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens; rejects with the system's error where it can't. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const server = createServer((request, response) => {
    response.once("finish", () => options.onAnswer(methodLabel(request.method), response.statusCode));
    void answer(options, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

function urlOf(request: IncomingMessage): URL {
  const url = URL.parse(request.url ?? "/", "http://localhost");
  if (url === null) throw new HttpError(400, "invalid_path", "the address is not well formed");
  checkQuery(url);
  return url;
}

/** Methods that anybody may invent make no series. */
function methodLabel(method = ""): string {
  return ["GET", "HEAD", "POST", "PUT", "DELETE"].includes(method) ? method : "other";
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  options: ApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    checkHost(request);
    const url = urlOf(request);
    const { pathname } = url;
    const isProbe = pathname === "/healthz" || pathname === "/metrics";
    const methods = isProbe ? { GET: () => undefined } : methodsOf(pathname);
    if (methods === undefined) throw new HttpError(404, "not_found", `nothing is at ${pathname}`);
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
    const handler = Object.hasOwn(methods, method) ? methods[method as keyof typeof methods] : undefined;
    if (handler === undefined) {
      response.setHeader("allow", Object.keys(methods).join(", "));
      throw new HttpError(405, "method_not_allowed", `${pathname} takes ${Object.keys(methods).join(", ")}`);
    }
    if (isProbe) await answerProbe(options, pathname, response);
    else sendJson(response, 200, await handler(options, url, request));
  } catch (error) {
    if (!(error instanceof HttpError)) options.onError(error);
    const known = error instanceof HttpError ? error : new HttpError(500, "internal", "internal error");
    if (!request.complete) discard(request);
    if (response.headersSent) response.destroy();
    else sendError(response, known);
  }
}

async function answerProbe(options: ApiOptions, path: string, response: ServerResponse): Promise<void> {
  if (path === "/healthz") {
    sendJson(response, 200, { status: "ok" });
    return;
  }
  const { type, text } = await options.metrics();
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
