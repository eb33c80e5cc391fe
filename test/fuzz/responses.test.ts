/** An upstream's bytes in random pieces: its responses, interim ones and faults are those of the bytes in one piece. */
import net from "node:net";
import { expect, it } from "vitest";
import { ClientConnection, type ResponseHandler } from "../../src/proxy/http1/client-connection.ts";
import { TcpConnection } from "../../src/proxy/net/tcp-connection.ts";
import type { Dial } from "../../src/proxy/net/transport.ts";
import { below } from "../harness/random.ts";
import { fuzz } from "./cases.ts";
import { referenceChunked } from "./chunked-reference.ts";
import { RESPONSES } from "./corpus.ts";
import { referenceResponse } from "./http-reference.ts";

const LIMITS = { maxBytes: 300, maxFields: 20 };

class Recorder implements ResponseHandler {
  readonly log: string[] = [];
  readonly connection: ClientConnection;
  isReusable = false;
  #body = "";

  constructor(isHeadRequest: boolean) {
    const owner = { onOpen() {}, onClosed() {} };
    const dial: Dial = (sink) => {
      const transport = new TcpConnection(sink);
      // A socket that is open as far as anybody can tell, and leads nowhere.
      transport.socket = new net.Socket();
      return transport;
    };
    this.connection = new ClientConnection(owner, dial, this, LIMITS.maxBytes, LIMITS.maxFields);
    this.connection.begin(this, isHeadRequest, false);
  }

  onConnected(): void {}
  onUpstreamDrain(): void {}

  onResponse(): void {
    const { status } = this.connection.head;
    this.log.push(`${status}`);
    if (status < 200) return;
    this.#pull();
  }

  onResponseBody(): void {
    this.#pull();
  }

  #pull(): void {
    if (!this.connection.pullBody()) return;
    const { bodyBuf, bodyStart, body } = this.connection;
    this.#body += bodyBuf.toString("latin1", bodyStart, body.outputEnd) + body.tail.toString("latin1");
    if (body.isDone) this.log.push(`body ${JSON.stringify(this.#body)}`);
  }

  onUpstreamFault(fault: string): void {
    this.log.push(fault);
  }
}

function replay(text: string, cuts: readonly number[], isHeadRequest: boolean): readonly string[] {
  const recorder = new Recorder(isHeadRequest);
  const { connection } = recorder;
  let start = 0;
  for (const end of [...cuts, text.length]) {
    const bytes = Buffer.from(text.slice(start, end), "latin1");
    if (bytes.length > 0 && connection.transport.isOpen) connection.onData(bytes, 0, bytes.length);
    // The buffer is shared with other connections: nothing may be left in it.
    bytes.fill(0);
    start = end;
  }
  recorder.log.push(connection.isReusable ? "reusable" : "not reusable");
  connection.transport.close();
  return recorder.log;
}

/** The same by the reference: interim responses, one final response, and whether anything may follow on the connection. */
function expected(text: string, isHeadRequest: boolean): readonly string[] {
  const log: string[] = [];
  let rest = text;
  while (rest !== "") {
    const response = referenceResponse(rest, LIMITS);
    if (response === undefined) return [...log, "malformed", "not reusable"];
    const { status } = response;
    log.push(`${status}`);
    rest = rest.slice(response.length);
    if (status < 200 && status !== 101) continue;
    if (isHeadRequest || status === 101 || status === 204 || status === 304) {
      if (status !== 101) log.push(`body ""`);
    } else if (response.isChunked) {
      const body = referenceChunked(rest);
      if (body.kind === "bad") return [...log, "malformed", "not reusable"];
      if (body.kind === "open") return [...log, "not reusable"];
      log.push(`body ${JSON.stringify(body.data)}`);
      rest = body.rest;
    } else if (response.contentLength >= 0) {
      if (rest.length < response.contentLength) return [...log, "not reusable"];
      log.push(`body ${JSON.stringify(rest.slice(0, response.contentLength))}`);
      rest = rest.slice(response.contentLength);
    } else {
      // Until the connection ends, which it does not here.
      return [...log, "not reusable"];
    }
    const isReusable = status !== 101 && response.keepsAlive && rest === "";
    return [...log, isReusable ? "reusable" : "not reusable"];
  }
  return [...log, "not reusable"];
}

it("responses are the same however they are cut, and a connection with anything behind its response is not used again", {
  timeout: 600_000,
}, () => {
  let reusable = 0;
  fuzz(RESPONSES, 2_500, (mutated, random) => {
    const isHeadRequest = below(random, 5) === 0;
    // Without an end of line a head that is wrong may still be waited for.
    const isOpen = below(random, 3) > 0;
    const text = isOpen ? mutated : `${mutated}\r\n\r\n`;
    const whole = replay(text, [], isHeadRequest);
    if (whole.at(-1) === "reusable") reusable++;
    // A response of HTTP/1.0 that asks late to be kept is not: closing is always right.
    const bound = expected(text, isHeadRequest);
    const isDecided = bound.at(-2) !== "malformed" || !isOpen;
    if (isDecided && !/HTTP\/1\.0/.test(text)) expect(whole).toEqual(bound);
    const few = Array.from({ length: 4 }, () => below(random, text.length + 1)).toSorted((a, b) => a - b);
    const every = Array.from({ length: text.length }, (_, i) => i);
    for (const cuts of [few, every]) {
      const cut = replay(text, cuts, isHeadRequest);
      if (isDecided) expect(cut).toEqual(whole);
    }
  });
  expect(reusable).toBeGreaterThan(200);
});
