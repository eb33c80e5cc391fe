/** Hostile upstreams (hostile.md #48, #49): 502 or a visible cut, and the connection is never used again. */
import { afterEach, describe, expect, it } from "vitest";
import { type RunningLoop, startLoopTo } from "../harness/loop.ts";
import { exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";

let loop: RunningLoop | undefined;
let origin: RawOrigin | undefined;

afterEach(async () => {
  await loop?.close();
  await origin?.close();
});

async function serve(answer: Parameters<typeof rawOrigin>[0]): Promise<RunningLoop> {
  origin = await rawOrigin(answer);
  const started = await startLoopTo(origin.port);
  loop = started;
  return started;
}

const GET = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
const GET_CLOSE = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";

const MALFORMED: readonly (readonly [name: string, bytes: string])[] = [
  ["not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ["bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok"],
  ["CL and TE", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["two CL", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"],
  ["status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["NUL in a value", "HTTP/1.1 200 OK\r\nA: \x00\r\nContent-Length: 2\r\n\r\nok"],
  ["obs-fold", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok"],
  ["101 unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
  ["endless 1xx", "HTTP/1.1 102 Processing\r\n\r\n".repeat(40)],
  ["chunked with 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a head over 64 KiB", `HTTP/1.1 200 OK\r\nA: ${"b".repeat(70_000)}`],
];

describe("malformed responses become 502", () => {
  for (const [name, bytes] of MALFORMED) {
    it(name, async () => {
      const { outboundPort } = await serve((_, socket) => socket.write(Buffer.from(bytes, "latin1")));
      const answer = await exchangeBytes(outboundPort, [GET_CLOSE]);
      const final = answer.replace(/^(HTTP\/1\.1 102 Processing\r\n\r\n)*/, "");
      expect(final).toMatch(/^HTTP\/1\.1 502 [\s\S]*x-weft-error: UPE;/);
      await exchangeBytes(outboundPort, [GET_CLOSE]);
      expect(origin?.connections).toBe(2);
    });
  }
});

it("bytes after a response are never paired with the next request", async () => {
  const good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const { outboundPort } = await serve((seen, socket) => {
    if (seen.endsWith("\r\n\r\n")) socket.write(`${good}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
  });
  const answer = await exchangeBytes(outboundPort, [GET, GET, GET_CLOSE]);
  expect(answer).not.toContain("evil");
  expect(answer.split("\r\n\r\nok").length - 1).toBe(3);
  expect(origin?.connections).toBe(3);
});

it("a body behind a HEAD response is not passed on and the connection is not used again", async () => {
  const { outboundPort } = await serve((_, socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"),
  );
  const answer = await exchangeBytes(outboundPort, [
    "HEAD / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n",
  ]);
  expect(answer).toMatch(/\r\n\r\n$/);
  await exchangeBytes(outboundPort, [GET_CLOSE]);
  expect(origin?.connections).toBe(2);
});

it("an upstream that dies within a response cuts it visibly", async () => {
  const { outboundPort } = await serve((seen, socket) => {
    if (!seen.endsWith("\r\n\r\n")) return;
    const isChunked = seen.includes("GET /chunked");
    socket.write(
      `HTTP/1.1 200 OK\r\n${isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 10"}\r\n\r\n${isChunked ? "5\r\nhello\r\n" : "hello"}`,
    );
    setImmediate(() => socket.destroy());
  });
  const byLength = await exchangeBytes(outboundPort, [GET]);
  expect(byLength).toMatch(/Content-Length: 10\r\n\r\nhello$/);
  const chunked = await exchangeBytes(outboundPort, ["GET /chunked HTTP/1.1\r\nHost: web\r\n\r\n"]);
  expect(chunked).toMatch(/5\r\nhello\r\n$/);
});

it("a malformed chunk in a response cuts it, and no byte behind it is passed on", async () => {
  const { outboundPort } = await serve((_, socket) =>
    socket.write(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0x5\r\nhello\r\n0\r\n\r\n",
    ),
  );
  const answer = await exchangeBytes(outboundPort, [GET]);
  expect(answer).not.toContain("0x5");
  expect(answer).not.toMatch(/0\r\n\r\n$/);
});

it("a pooled connection that the upstream has closed costs an idempotent request nothing", async () => {
  const { outboundPort } = await serve((seen, socket) => {
    // Closes at the second request of a connection, before a byte of its response.
    if (seen.split("\r\n\r\n").length - 1 > 1) socket.destroy();
    else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  expect(await exchangeBytes(outboundPort, [GET_CLOSE])).toMatch(/ok$/);
  expect(await exchangeBytes(outboundPort, [GET_CLOSE])).toMatch(/ok$/);
  const post = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  expect(await exchangeBytes(outboundPort, [post])).toMatch(/^HTTP\/1\.1 503 [\s\S]*x-weft-error: UC;/);
});

it("refused connections answer 503 UF", async () => {
  const { outboundPort } = await serve(() => {});
  await origin?.close();
  expect(await exchangeBytes(outboundPort, [GET_CLOSE])).toMatch(/^HTTP\/1\.1 503 [\s\S]*x-weft-error: UF;/);
});
