/** The program behind the peer `http-proxy`: its documented use, with a keep-alive agent. */
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { route, serve } from "./node-route.ts";

/** What is used of the package; it comes without types. */
interface HttpProxy {
  web(request: IncomingMessage, response: ServerResponse, options: { target: string }): void;
  on(
    event: "error",
    listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void,
  ): void;
}
interface HttpProxyModule {
  createProxyServer(options: { agent: Agent }): HttpProxy;
}

const { createProxyServer }: HttpProxyModule = createRequire(import.meta.url)("http-proxy");
const proxy = createProxyServer({ agent: new Agent({ keepAlive: true, maxSockets: 1024 }) });
proxy.on("error", (_error, _request, response) => {
  if (!response.headersSent) response.writeHead(502);
  response.end();
});

serve(
  createServer((request, response) => {
    const port = route(request);
    if (port === undefined) response.writeHead(404).end();
    else proxy.web(request, response, { target: `http://127.0.0.1:${port}` });
  }),
);
