/** A real HTTP server that remembers the requests it got, whole, and answers each as a test says. */
import http from "node:http";

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpOrigin {
  readonly port: number;
  readonly seen: Seen[];
  close(): void;
}

/** `answer` gets the number of the request, from 1. Without it: 200 with the origin's port as body. */
export async function httpOrigin(
  answer: (response: http.ServerResponse, request: Seen, count: number) => void = (response) =>
    response.end(String(response.socket?.localPort)),
): Promise<HttpOrigin> {
  const seen: Seen[] = [];
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (chunk: Buffer) => parts.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const one = { method, url, headers, body: Buffer.concat(parts).toString("latin1") };
      seen.push(one);
      answer(response, one, seen.length);
    });
    request.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    port,
    seen,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
