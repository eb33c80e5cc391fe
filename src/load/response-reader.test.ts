import { describe, expect, it } from "vitest";
import {
  RESPONSE_COMPLETE,
  RESPONSE_GOES_ON,
  RESPONSE_MALFORMED,
  ResponseReader,
} from "./response-reader.ts";

/** Reads `text` in two pieces, cut at `cut`; the reader and what it said last. */
function readCut(text: string, cut: number, noBody = false) {
  const reader = new ResponseReader();
  reader.begin(noBody);
  const bytes = Buffer.from(text, "latin1");
  let outcome = RESPONSE_GOES_ON;
  for (const [from, to] of [
    [0, cut],
    [cut, bytes.length],
  ] as const) {
    if (from < to && outcome === RESPONSE_GOES_ON) outcome = reader.read(bytes, from, to);
  }
  return { reader, outcome };
}

const COMPLETE = [
  { name: "content-length", text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200 },
  {
    name: "content-length in other case, with blanks",
    text: "HTTP/1.1 201 C\r\ncOnTeNt-LeNgTh: \t 5 \r\n\r\nhello",
    status: 201,
  },
  { name: "empty body", text: "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nx: y\r\n\r\n", status: 404 },
  { name: "no reason phrase", text: "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", status: 200 },
  { name: "204", text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204 },
  {
    name: "304 with a length that is not sent",
    text: "HTTP/1.1 304 Not Modified\r\ncontent-length: 77\r\n\r\n",
    status: 304,
  },
  {
    name: "interim answers first",
    text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    status: 200,
  },
  {
    name: "chunked",
    text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n",
    status: 200,
  },
  {
    name: "chunked with extensions and trailers",
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;a="b"\r\nhello\r\n000\r\nx-sum: 1\r\ny: 2\r\n\r\n',
    status: 200,
  },
  {
    name: "other fields that start with c and t",
    text: "HTTP/1.1 200 OK\r\nConnection-Info: close\r\nCookie: x\r\nTrailer: y\r\nContent-Type: text/plain\r\ncontent-length: 1\r\n\r\nx",
    status: 200,
  },
];

describe("whole responses, split at every byte", () => {
  it.each(COMPLETE)("$name", ({ text, status }) => {
    for (let cut = 0; cut <= text.length; cut++) {
      const { reader, outcome } = readCut(text, cut);
      expect([cut, outcome, reader.status, reader.keepAlive]).toEqual([cut, RESPONSE_COMPLETE, status, true]);
    }
  });
});

it("does not take one byte less for complete", () => {
  for (const { text } of COMPLETE) {
    for (let length = 1; length < text.length; length++) {
      expect([length, readCut(text.slice(0, length), 0).outcome]).toEqual([length, RESPONSE_GOES_ON]);
    }
  }
});

it("an answer to HEAD ends with its head", () => {
  const { outcome } = readCut("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", 0, true);
  expect(outcome).toBe(RESPONSE_COMPLETE);
});

describe("the end of the connection", () => {
  it("completes a body without length", () => {
    const { reader, outcome } = readCut("HTTP/1.1 200 OK\r\n\r\nsome", 18);
    expect([outcome, reader.end()]).toEqual([RESPONSE_GOES_ON, true]);
  });

  it.each([
    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
    "HTTP/1.1 200 OK\r\nconte",
  ])("does not complete %j", (text) => {
    expect(readCut(text, 0).reader.end()).toBe(false);
  });
});

describe("connections that end with the answer", () => {
  it.each([
    { text: "HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n", keepAlive: false },
    { text: "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n", keepAlive: false },
    { text: "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", keepAlive: false },
    { text: "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n", keepAlive: true },
    { text: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more", keepAlive: false },
  ])("$text", ({ text, keepAlive }) => {
    const { reader, outcome } = readCut(text, 0);
    expect([outcome, reader.keepAlive]).toEqual([RESPONSE_COMPLETE, keepAlive]);
  });
});

describe("what is no response", () => {
  it.each([
    "HTTP/2 200 OK\r\n\r\n",
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/1.1 99 Low\r\n\r\n",
    "HTTP/1.1 2000 High\r\n\r\n",
    "HTTP/1.1 600 High\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1x\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc",
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`,
  ])("%j", (text) => {
    expect(readCut(text, 0).outcome).toBe(RESPONSE_MALFORMED);
  });
});
