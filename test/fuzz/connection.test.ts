/** A connection's bytes in random pieces: its requests, bodies and faults are those of the bytes in one piece. */
import { expect, it } from "vitest";
import { type RequestHandler, ServerConnection } from "../../src/proxy/http1/server-connection.ts";
import { TcpConnection } from "../../src/proxy/net/tcp-connection.ts";
import { below } from "../harness/random.ts";
import { fuzz } from "./cases.ts";
import { referenceChunked } from "./chunked-reference.ts";
import { REQUESTS } from "./corpus.ts";
import { referenceRequest } from "./http-reference.ts";

const LIMITS = { maxBytes: 300, maxFields: 20 };

/** Notes what it is told; answers a request as soon as it is complete, at once or when `answer` is called. */
class Recorder implements RequestHandler {
  readonly log: string[] = [];
  readonly connection: ServerConnection;
  readonly #answersLater: boolean;
  #body = "";
  #keepsAlive = false;
  isWaiting = false;

  constructor(answersLater: boolean) {
    const tcp = new TcpConnection({ onData() {}, onEnd() {}, onDrain() {}, onClose() {} });
    this.connection = new ServerConnection(tcp, this, LIMITS.maxBytes, LIMITS.maxFields);
    this.#answersLater = answersLater;
  }

  onRequest(): void {
    const { head } = this.connection;
    this.log.push(`${head.method()} ${head.path()} ${head.authority()}`);
    this.#body = "";
    this.#keepsAlive = head.keepAlive && head.method() !== "CONNECT";
    if (this.connection.isRequestDone) this.#complete();
  }

  onRequestBody(): void {
    if (!this.connection.pullBody()) return;
    const { bodyBuf, bodyStart, body } = this.connection;
    this.#body += bodyBuf.toString("latin1", bodyStart, body.outputEnd) + body.tail.toString("latin1");
    if (this.connection.isRequestDone) this.#complete();
  }

  #complete(): void {
    this.log.push(`body ${JSON.stringify(this.#body)}`);
    this.isWaiting = true;
    if (!this.#answersLater) this.answer();
  }

  answer(): void {
    this.isWaiting = false;
    this.connection.finish(this.#keepsAlive);
  }

  onBadRequest(status: number, isHead: boolean): void {
    expect([400, 414, 417, 431, 501, 505]).toContain(status);
    this.log.push(isHead ? "bad head" : "bad body");
    this.connection.linger();
  }

  onHeadPending(): void {}
  onDownstreamDrain(): void {}
  onDownstreamEnd(): void {}
  onDownstreamClose(): void {}
}

function replay(text: string, cuts: readonly number[], answersLater: boolean): readonly string[] {
  const recorder = new Recorder(answersLater);
  let start = 0;
  for (const end of [...cuts, text.length]) {
    const bytes = Buffer.from(text.slice(start, end), "latin1");
    if (bytes.length > 0) recorder.connection.onData(bytes, 0, bytes.length);
    // The buffer is shared with other connections: nothing may be left in it.
    bytes.fill(0);
    start = end;
    while (recorder.isWaiting) recorder.answer();
  }
  return recorder.log;
}

/** The same by the reference, over the whole text. */
function expected(text: string): readonly string[] {
  const log: string[] = [];
  let rest = text;
  while (rest !== "") {
    const request = referenceRequest(rest, LIMITS);
    if (request === undefined) {
      // Two line ends are at the end of each text: a head that is not there by then is wrong, or has not begun.
      if (rest !== "\r\n") log.push("bad head");
      return log;
    }
    log.push(`${request.method} ${request.path || "/"} ${request.authority}`);
    rest = rest.slice(request.length);
    if (request.isChunked) {
      const body = referenceChunked(rest);
      if (body.kind === "bad") return [...log, "bad body"];
      if (body.kind === "open") return log;
      log.push(`body ${body.data.length}`);
      rest = body.rest;
    } else {
      const length = Math.max(0, request.contentLength);
      if (rest.length < length) return log;
      log.push(`body ${JSON.stringify(rest.slice(0, length))}`);
      rest = rest.slice(length);
    }
    if (!request.keepsAlive || request.method === "CONNECT") return log;
  }
  return log;
}

/** Without the contents of chunked bodies, whose framing the recorder sees and the reference has decoded. */
function outline(log: readonly string[]): readonly string[] {
  return log.map((line) => (line.startsWith("body") ? "body" : line));
}

it("requests of one connection are the same, however their bytes are cut and whenever they are answered", {
  timeout: 600_000,
}, () => {
  let requests = 0;
  const corpus = [...REQUESTS, ...REQUESTS.map((text, i) => text + REQUESTS[(i * 5 + 1) % REQUESTS.length])];
  fuzz(corpus, 2_500, (mutated, random) => {
    const text = `${mutated}\r\n\r\n`;
    const whole = replay(text, [], false);
    requests += whole.filter((line) => line.startsWith("body")).length;
    const bound = expected(text);
    // HTTP/1.0 that asks late to be kept is not (see heads.test.ts): what follows is then not read.
    if (!/HTTP\/1\.0/.test(text)) expect(outline(whole)).toEqual(outline(bound));
    const few = Array.from({ length: 4 }, () => below(random, text.length + 1)).toSorted((a, b) => a - b);
    const every = Array.from({ length: text.length }, (_, i) => i);
    for (const cuts of [few, every])
      for (const answersLater of [false, true]) expect(replay(text, cuts, answersLater)).toEqual(whole);
    expect(replay(text, [], true)).toEqual(whole);
  });
  expect(requests).toBeGreaterThan(1_000);
});
