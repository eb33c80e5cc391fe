/** Origins that answer each complete request with exact bytes, in exact parts. */
import type net from "node:net";
import { afterEach } from "vitest";
import { type RawOrigin, rawOrigin } from "../harness/raw.ts";

/** Closed after each test. */
export const raws: RawOrigin[] = [];
afterEach(async () => {
  for (const raw of raws.splice(0)) await raw.close();
});

/** Answers each complete request with these bytes, part by part; null: not at all. */
export async function raw(answer: (n: number) => readonly string[] | null, ends = false): Promise<RawOrigin> {
  const answered = new WeakMap<net.Socket, number>();
  let n = 0;
  const made = await rawOrigin((seen, socket) => {
    const complete = requestsIn(seen);
    for (let i = answered.get(socket) ?? 0; i < complete; i++) {
      const parts = answer(n++);
      if (parts !== null) void write(socket, parts, ends);
    }
    answered.set(socket, complete);
  });
  raws.push(made);
  return made;
}

export function requestsIn(seen: string): number {
  let count = 0;
  for (let at = 0; ; count++) {
    const end = seen.indexOf("\r\n\r\n", at);
    if (end < 0) return count;
    at = end + 4 + Number(/content-length: (\d+)/i.exec(seen.slice(at, end))?.[1] ?? 0);
    if (at > seen.length) return count;
  }
}

export async function write(socket: net.Socket, parts: readonly string[], ends: boolean): Promise<void> {
  for (const part of parts) {
    socket.write(part, "latin1");
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (ends) socket.end();
}

export const ok = (body: string, fields = "") =>
  `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
export const chunked = (...chunks: string[]) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.map((c) => `${c.length.toString(16)}\r\n${c}\r\n`).join("")}0\r\n\r\n`;
