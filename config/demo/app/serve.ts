/**
 * What the four demo programs share: an HTTP server on PORT, a bit of work that takes time, and calls to other services.
 * Nothing here knows of Weft: the environment names a proxy, and both of Node's HTTP clients use it (NODE_USE_ENV_PROXY):
 * they send it the whole URL, and it finds the service.
 */
import { createServer, get, type IncomingHttpHeaders } from "node:http";

export interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers every request with JSON; a failure becomes 502 with its reason. */
export function serve(answer: (call: Call) => Promise<unknown>): void {
  const server = createServer((request, response) => {
    const respond = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(`${JSON.stringify(body, null, 2)}\n`);
    };
    answer({ path: request.url ?? "/", headers: request.headers }).then(
      (body) => respond(200, body),
      (error: unknown) => respond(502, { error: String(error) }),
    );
  });
  // A program that ends its connections before its sidecar does makes for a race on every reuse.
  server.keepAliveTimeout = 75_000;
  server.listen(Number(process.env["PORT"] ?? 8080), process.env["HOST"] ?? "127.0.0.1");
  process.once("SIGTERM", () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}

/** Pretends to work: `ms` on average, now and then three times as long. */
export function work(ms: number): Promise<void> {
  const share = Math.random();
  const factor = share > 0.98 ? 3 : 0.5 + share;
  return new Promise((resolve) => setTimeout(resolve, ms * factor));
}

/** Asks another service by `fetch`. */
export async function callByFetch(
  service: string,
  path: string,
  headers: Record<string, string>,
): Promise<unknown> {
  const response = await fetch(new URL(path, serviceUrl(service)), { headers });
  if (!response.ok) throw new Error(`${service} answered ${response.status}`);
  return response.json();
}

/** Asks another service by `node:http`. */
export function callByHttp(service: string, path: string, headers: Record<string, string>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = get(new URL(path, serviceUrl(service)), { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        if (response.statusCode !== 200) reject(new Error(`${service} answered ${response.statusCode}`));
        else resolve(JSON.parse(Buffer.concat(chunks).toString()));
      });
    });
    request.on("error", reject);
  });
}

/** Headers that belong to the whole chain of calls, so that the mesh can tell what belongs together. */
export function passOn(headers: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of ["x-request-id", "traceparent", "tracestate", "x-user"]) {
    const value = headers[name];
    if (typeof value === "string") passed[name] = value;
  }
  return passed;
}

function serviceUrl(service: string): string {
  return process.env[`${service.toUpperCase()}_URL`] ?? `http://${service}`;
}
