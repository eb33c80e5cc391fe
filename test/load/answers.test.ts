/**
 * Every way in which a response can end or fail to, over real sockets: how it is counted, and what becomes of the
 * connection.
 */

import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { LoadOptions } from "../../src/load/options.ts";
import { runLoad } from "../../src/load/run.ts";
import { OK, type Origin, startOrigin } from "./origin.ts";

let origin: Origin | undefined;
afterEach(() => origin?.close());

async function run(
  answer: (socket: Socket, head: string, count: number) => void,
  options: Partial<LoadOptions> = {},
) {
  origin = await startOrigin(answer);
  const standard = options.mode === "closed" ? {} : { rate: 500, requests: 20 };
  return runLoad({ url: origin.url, connections: 2, ...standard, ...options });
}

describe("answers", () => {
  it.each<[string, string, Partial<LoadOptions>, number]>([
    ["content-length", OK, {}, 200],
    ["chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", {}, 200],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n", {}, 204],
    ["304", "HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n", {}, 304],
    ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", { method: "HEAD" }, 200],
    ["100 first", `HTTP/1.1 100 Continue\r\n\r\n${OK}`, { body: "hello" }, 200],
  ])("%s: the connection is used again", async (_name, response, options, status) => {
    const { requests, statuses, client } = await run((socket) => socket.write(response), options);
    expect(requests).toMatchObject({ answered: 20, succeeded: 20, errors: 0 });
    expect(statuses).toEqual({ [status]: 20 });
    expect(client.connectionsOpened).toBe(2);
  });

  it.each<[string, string]>([
    ["ended by close", "HTTP/1.1 200 OK\r\n\r\nok"],
    ["connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"],
  ])("%s: a new connection for each", async (_name, response) => {
    const { requests, client } = await run((socket) => socket.end(response));
    expect(requests).toMatchObject({ answered: 20, succeeded: 20, errors: 0 });
    expect(client.connectionsOpened).toBeGreaterThanOrEqual(20);
  });

  it("in single bytes", async () => {
    const { requests } = await run(
      async (socket) => {
        for (const byte of OK) {
          socket.write(byte);
          await sleep(0);
        }
      },
      { requests: 4 },
    );
    expect(requests).toMatchObject({ answered: 4, errors: 0 });
  });

  it("of 5 MB are counted whole", async () => {
    const body = Buffer.alloc(5_000_000, "x");
    const { requests, bytes } = await run(
      (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
        socket.write(body);
      },
      { requests: 3, rate: 50 },
    );
    expect(requests.answered).toBe(3);
    expect(bytes.received).toBeGreaterThan(15_000_000);
  });

  it("with an error status are answers, but no success; redirects are not followed", async () => {
    const { requests, statuses } = await run((socket, _head, count) =>
      socket.write(
        count % 2 === 0
          ? "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"
          : "HTTP/1.1 302 Go\r\nlocation: http://127.0.0.2:1/\r\ncontent-length: 0\r\n\r\n",
      ),
    );
    expect(requests).toMatchObject({ answered: 20, succeeded: 10, errors: 0, successRate: 0.5 });
    expect(statuses).toEqual({ "302": 10, "503": 10 });
  });
});

describe("failures", () => {
  it.each<[string, (socket: Socket) => void]>([
    ["reset", (socket) => socket.resetAndDestroy()],
    ["closed", (socket) => socket.end()],
    ["truncated", (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome")],
    ["truncated", (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel")],
    ["malformed", (socket) => socket.write("220 mail ready\r\n\r\n")],
    ["timeout", () => undefined],
  ])("%s, and the next request gets a new connection", async (kind, answer) => {
    const { requests, errors } = await run(
      (socket, _head, count) => (count === 3 ? answer(socket) : socket.write(OK)),
      {
        timeoutMs: 150,
      },
    );
    expect(requests).toMatchObject({ answered: 19, errors: 1, missed: 0 });
    expect(Object.keys(errors)).toEqual([kind]);
  });

  it("a server that is gone in the middle is a connect error for each request, and no storm in a closed loop", async () => {
    let closing: Promise<void> | undefined;
    const { requests, errors } = await run(
      (socket, _head, count) => {
        socket.write(OK);
        if (count === 10) closing = origin?.close();
      },
      { mode: "closed", durationMs: 600, warmupMs: 0 },
    );
    await closing;
    // Answers on their way when their connections were reset are lost, but not forgotten.
    const reached = requests.answered + requests.errors - (errors.connect?.count ?? 0);
    expect(reached).toBeGreaterThanOrEqual(10);
    expect(requests.answered).toBeGreaterThan(0);
    expect(errors.connect?.example).toBe("ECONNREFUSED");
    expect(errors.connect?.count).toBeLessThan(40);
    origin = undefined;
  });

  it("a closed loop sends nothing before its start: without a warm-up each request is in the result", async () => {
    const { requests } = await run((socket) => socket.write(OK), {
      mode: "closed",
      durationMs: 20,
      warmupMs: 0,
    });
    expect(requests.warmup).toBe(0);
    expect(requests.sent).toBe(origin?.heads.length);
  });

  it("nothing listens: the run does not start", async () => {
    origin = await startOrigin(() => undefined);
    const { url } = origin;
    await origin.close();
    origin = undefined;
    await expect(runLoad({ url })).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });
});

it("an answer that comes before the request is out costs the connection, not the run", async () => {
  origin = await startOrigin(() => undefined);
  await origin.close();
  const { createServer } = await import("node:net");
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.pause();
      socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { requests, statuses } = await runLoad({
    url: `http://127.0.0.1:${port}/`,
    body: Buffer.alloc(16 * 1024 * 1024),
    requests: 3,
    rate: 50,
    connections: 1,
  });
  server.close();
  origin = undefined;
  expect(statuses).toEqual({ "413": 3 });
  expect(requests.errors).toBe(0);
});

it("through a proxy the request is in absolute form and goes to the proxy alone", async () => {
  origin = await startOrigin((socket) => socket.write(OK));
  const { requests } = await runLoad({
    url: "http://web.default.svc.cluster.local/x?y=1",
    proxy: origin.url,
    requests: 2,
    rate: 100,
  });
  expect(requests.answered).toBe(2);
  expect(origin.heads[0]).toMatch(
    /^GET http:\/\/web\.default\.svc\.cluster\.local\/x\?y=1 HTTP\/1\.1\r\nHost: web\.default\.svc\.cluster\.local\r\n/,
  );
});

it("localhost is tried on all of its addresses", async () => {
  origin = await startOrigin((socket) => socket.write(OK));
  const url = origin.url.replace("127.0.0.1", "localhost");
  expect((await runLoad({ url, requests: 2, rate: 100 })).requests.answered).toBe(2);
});
