/**
 * Checks that a peer does the work it is measured for, before anything is measured: a proxy that forgets a header or a
 * body is quicker than the others for the wrong reason.
 */
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { LARGE_BYTES, SMALL } from "./origin.ts";
import { HOST } from "./peers/peer.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** One request through the proxy; ten seconds at most. */
export function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  body?: Buffer,
): Promise<Answer> {
  const method = body === undefined ? "GET" : "POST";
  const length = body === undefined ? {} : { "content-length": String(body.length) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method, agent, timeout: 10_000 };
    const sent = request({ ...options, headers: { host: HOST, ...length, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error(`${path}: no answer within 10 s`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** What is wrong with the peer's answers; empty when all is as it should be. */
export async function check(port: number): Promise<string[]> {
  const wrong: string[] = [];
  const expect = (what: string, holds: boolean, found: unknown): void => {
    if (!holds) wrong.push(`${what}: found ${String(found).slice(0, 120)}`);
  };
  try {
    const small = await ask(port, "/api/small");
    expect(
      "GET small answers 200 with its body",
      small.status === 200 && small.body.toString() === SMALL,
      small.status,
    );
    const large = await ask(port, "/api/64k");
    expect("GET 64 KiB is whole", large.body.equals(Buffer.alloc(LARGE_BYTES, "weft")), large.body.length);
    const post = await ask(port, "/upload/sink", {}, Buffer.alloc(LARGE_BYTES, "x"));
    const received = Number(post.headers["x-received"] ?? 0);
    expect(
      "POST 64 KiB arrives whole",
      post.status === 200 && received > LARGE_BYTES,
      `${post.status}, ${received} bytes`,
    );
    const other = await ask(port, "/other");
    expect("a path without route is 404", other.status === 404, other.status);
    const foreign = await ask(port, "/api/small", { host: "elsewhere.invalid" });
    expect("another host is not forwarded to the shop", foreign.body.toString() !== SMALL, foreign.status);
    await checkHeaders(port, expect);
    await checkSplit(port, expect);
  } catch (error) {
    wrong.push(`a request failed: ${String(error)}`);
  }
  agent.destroy();
  return wrong;
}

type Expect = (what: string, holds: boolean, found: unknown) => void;

async function checkHeaders(port: number, expect: Expect): Promise<void> {
  const seen = (await ask(port, "/api/seen")).body.toString();
  const [id = "", trace = "", proto] = seen.split(" ");
  expect("x-request-id is added", id.length >= 16, seen);
  expect("traceparent is added", /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/.test(trace), seen);
  expect("x-forwarded-proto is added", proto === "http", seen);
}

async function checkSplit(port: number, expect: Expect): Promise<void> {
  let second = 0;
  for (let i = 0; i < 300; i++) {
    if ((await ask(port, "/api/small")).headers["x-origin"] === "b") second++;
  }
  // 30 of 300 on average; a random choice is outside these bounds once in a million runs.
  expect("about 10 % go to the second origin", second >= 7 && second <= 62, `${second} of 300`);
  for (let i = 0; i < 10; i++) {
    const answer = await ask(port, "/api/small", { "x-canary": "yes" });
    expect(
      "the header match goes to the second origin",
      answer.headers["x-origin"] === "b",
      answer.headers["x-origin"],
    );
  }
}
