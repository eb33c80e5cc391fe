/** Heads read by the real codec from text, for tests of what decides by them. */
import { Head } from "../../src/proxy/http/head.ts";
import { readRequestHead } from "../../src/proxy/http1/request-head.ts";
import { readResponseHead } from "../../src/proxy/http1/response-head.ts";

const MAX_BYTES = 1 << 20;

/** A request head of these lines; throws when the codec refuses it. */
export function requestHead(requestLine: string, ...fields: readonly string[]): Head {
  return read(readRequestHead, [requestLine, ...fields]);
}

export function responseHead(statusLine: string, ...fields: readonly string[]): Head {
  return read(readResponseHead, [statusLine, ...fields]);
}

function read(reader: typeof readRequestHead, lines: readonly string[]): Head {
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  const head = new Head(1_000);
  const after = reader(bytes, 0, bytes.length, head, MAX_BYTES);
  if (after !== bytes.length) throw new Error(`not a head (${after}): ${bytes.toString("latin1")}`);
  return head;
}
