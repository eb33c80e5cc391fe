/**
 * One backend, one process: `node bench/resilience/backend.ts PORT COUNTER`. `/api/…` answers after `delay` milliseconds
 * and is, at random, a 503 for the share `errors`; `POST /control?delay=5&errors=0` sets both. Each request appends one byte to COUNTER
 * as it arrives, so that the count outlives a kill. SIGTERM: takes no more, finishes what is in flight, ends.
 */
import { openSync, writeSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";

const DEFAULT_DELAY_MS = 5;
const BODY = "weft ".repeat(40);

const [port = "0", counterPath = "/dev/null"] = process.argv.slice(2);
const counter = openSync(counterPath, "a");
let delay = DEFAULT_DELAY_MS;
let errors = 0;
let isEnding = false;

function answer(response: ServerResponse): void {
  // An answer says that the connection ends with it: a proxy that sends another request on it would lose that.
  if (isEnding) response.setHeader("connection", "close");
  response.statusCode = Math.random() < errors ? 503 : 200;
  response.end(BODY);
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://backend");
  if (pathname === "/control" && request.method === "POST") {
    delay = Number(searchParams.get("delay") ?? delay);
    errors = Number(searchParams.get("errors") ?? errors);
    response.setHeader("connection", "close");
    response.end();
    return;
  }
  writeSync(counter, ".");
  setTimeout(() => answer(response), delay);
});
// Who closes idle connections, and when, is the proxy's business here.
server.keepAliveTimeout = 300_000;
server.listen(Number(port), "127.0.0.1", 4_096, () => {
  process.stdout.write(`${JSON.stringify({ port: Number(port) })}\n`);
});

process.once("SIGTERM", () => {
  isEnding = true;
  server.close(() => process.exit(0));
});
