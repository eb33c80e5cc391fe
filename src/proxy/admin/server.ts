/**
 * A small HTTP server for people and tools: a table of paths, each with one method. It runs on the control thread,
 * apart from traffic, and is bounded in connections, head size and time, so that a scraper gone wild costs little.
 */
import type { AddressInfo } from "node:net";
import type { Refusal } from "./guard.ts";
import type { IncomingMessage, Server, ServerResponse } from "./node-http.ts";
import { http } from "./node-http.ts";

const MAX_CONNECTIONS = 64;
const MAX_HEAD_BYTES = 16_384;
const HEAD_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 65_000;
/** How often Node looks for connections that are over their time. */
const CHECK_INTERVAL_MS = 5_000;

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** One line for the index page. */
  readonly about: string;
  readonly handle: (query: URLSearchParams, request: IncomingMessage) => Answer | Promise<Answer>;
}

/** By path, e.g. `/config`. */
export type Routes = Readonly<Record<string, Route>>;

export interface SmallServer {
  readonly port: number;
  /** Stops listening and closes what is open. */
  close(): Promise<void>;
}

export interface SmallServerOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
  readonly routes: Routes;
  /** Says which requests are refused before any route is looked at. */
  readonly refusal?: (request: IncomingMessage) => Refusal | undefined;
}

/** Listens. Rejects with Node's error when the port can't be had. */
export async function startSmallServer(options: SmallServerOptions): Promise<SmallServer> {
  const server = http.createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
    (request, response) => {
      respond(options, request).then(
        (answer) => write(request, response, answer),
        (error: unknown) => write(request, response, text(500, `internal error: ${String(error)}`)),
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listen(server, options.host, options.port);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function text(status: number, body: string): Answer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${body}\n` };
}

export function json(status: number, value: unknown): Answer {
  return { status, contentType: "application/json", body: `${JSON.stringify(value, undefined, 2)}\n` };
}

/** The routes with one more, `/`, that lists them. */
export function withIndex(title: string, routes: Routes): Routes {
  const lines = Object.entries(routes).map(
    ([path, { method, about }]) => `${method.padEnd(5)}${path.padEnd(18)}${about}`,
  );
  const index = text(200, `${title}\n\n${lines.join("\n")}`);
  return { "/": { method: "GET", about: "this page", handle: () => index }, ...routes };
}

async function respond(
  options: SmallServerOptions,
  request: IncomingMessage,
): Promise<Answer & { allow?: string }> {
  const refused = options.refusal?.(request);
  if (refused !== undefined) return text(refused.status, refused.reason);
  const target = request.url ?? "/";
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const route = Object.hasOwn(options.routes, path) ? options.routes[path] : undefined;
  if (route === undefined) return text(404, "no such page; / lists them");
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method !== route.method) {
    const allow = route.method === "GET" ? "GET, HEAD" : route.method;
    return { ...text(405, `only ${allow}`), allow };
  }
  return route.handle(new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)), request);
}

function write(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer & { allow?: string },
): void {
  response.statusCode = answer.status;
  response.setHeader("content-type", answer.contentType);
  response.setHeader("content-length", Buffer.byteLength(answer.body));
  response.setHeader("cache-control", "no-store");
  response.setHeader("x-content-type-options", "nosniff");
  if (answer.allow !== undefined) response.setHeader("allow", answer.allow);
  // No route takes a body: whoever sends one is not read any further.
  const { headers } = request;
  if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0) {
    response.setHeader("connection", "close");
  }
  response.end(answer.body);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      const address: AddressInfo | string | null = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
