/** The program behind the peer `undici`: `Pool.dispatch` under `node:http`, with backpressure both ways. */
import { createServer, type ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";
import { origins, route, serve } from "./node-route.ts";

const options = { connections: 128, pipelining: 1 };
const pools = new Map(origins.map((port) => [port, new Pool(`http://127.0.0.1:${port}`, options)]));

/** Headers of one hop only; they are not forwarded (RFC 9110 §7.6.1). */
const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"]);

function forwarded<T>(headers: Record<string, T>): Record<string, T> {
  const kept: Record<string, T> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !HOP.has(name)) kept[name] = value;
  }
  return kept;
}

function handler(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) => {
      response.once("close", () => {
        if (!response.writableFinished) controller.abort(new Error("the client went away"));
      });
    },
    onResponseStart: (_controller, status, headers) => {
      if (status >= 200) response.writeHead(status, forwarded(headers));
    },
    onResponseData: (controller, chunk) => {
      if (response.write(chunk)) return;
      controller.pause();
      response.once("drain", () => controller.resume());
    },
    onResponseEnd: () => response.end(),
    onResponseError: () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    },
  };
}

serve(
  createServer((request, response) => {
    const port = route(request);
    const pool = port === undefined ? undefined : pools.get(port);
    if (pool === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { method = "GET", url: path = "/", headers } = request;
    const bodyless = headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
    pool.dispatch(
      { path, method, headers: forwarded(headers), body: bodyless ? null : request },
      handler(response),
    );
  }),
);
