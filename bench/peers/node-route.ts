/** The routing all Node peers share: the same virtual host, prefixes, header match, split and headers as everyone's. */
import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { HOST } from "./peer.ts";

const [a = 0, b = 0] = process.argv.slice(2).map(Number);

/** Ports of the two origins, from the command line. */
export const origins: readonly [number, number] = [a, b];

/** Adds the headers to the request and returns the origin's port; undefined: 404. */
export function route(request: IncomingMessage): number | undefined {
  const { headers, url = "/" } = request;
  const host = headers.host?.toLowerCase();
  if (host !== HOST && host?.startsWith(`${HOST}:`) !== true) return undefined;
  const api = url.startsWith("/api/");
  if (!api && !url.startsWith("/upload/")) return undefined;
  headers["x-request-id"] ??= randomUUID();
  headers["traceparent"] ??= traceparent();
  headers["x-forwarded-proto"] = "http";
  if (api && headers["x-canary"] === "yes") return b;
  return Math.random() < 0.9 ? a : b;
}

function traceparent(): string {
  const id = randomBytes(24).toString("hex");
  return `00-${id.slice(0, 32)}-${id.slice(32)}-01`;
}

/** Listens on a free port and announces it. */
export function serve(server: Server): void {
  server.keepAliveTimeout = 300_000;
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    process.stdout.write(`${JSON.stringify({ event: "ready", port })}\n`);
  });
}
