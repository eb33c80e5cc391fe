/** Service `shop` behind a sidecar of this process: real sockets, and time that passes only while an answer is waited for. */
import { setImmediate } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import { trafficPolicyDocument } from "../harness/compiled.ts";
import { type HttpOrigin, httpOrigin } from "../harness/http-origin.ts";
import {
  type Client,
  type VirtualOptions,
  type VirtualSidecar,
  virtualSidecar,
} from "../harness/virtual-sidecar.ts";

export interface Shop {
  readonly sidecar: VirtualSidecar;
  /** Sends a request; the answer as it came. Meanwhile time passes, by `stepMs` for each turn. */
  ask(text: string, stepMs?: number): Promise<Answer>;
  /** The same, without waiting. */
  send(text: string): Client;
  /** Lets what is on its way arrive, while time passes. */
  pass(ms: number): Promise<void>;
  /** Tries under way at Service `shop`. */
  active(): number;
}

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** How much time passed. */
  readonly ms: number;
}

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

export async function origin(...args: Parameters<typeof httpOrigin>): Promise<HttpOrigin> {
  const made = await httpOrigin(...args);
  cleanUps.push(() => made.close());
  return made;
}

/** Instances at these ports; what a TrafficPolicy says; and more documents. */
export async function shop(
  ports: readonly number[],
  policy?: object,
  documents: readonly object[] = [],
  options: VirtualOptions = {},
): Promise<Shop> {
  const all = policy === undefined ? documents : [trafficPolicyDocument("shop", policy), ...documents];
  const sidecar = await virtualSidecar(ports, all, options);
  cleanUps.push(() => sidecar.close());
  return {
    sidecar,
    send: (text) => sidecar.client(text),
    async ask(text, stepMs = 1) {
      const client = sidecar.client(text);
      let ms = 0;
      const end = performance.now() + 5_000;
      while (!isComplete(client.received()) && !client.isClosed()) {
        if (performance.now() > end) expect.fail(`no answer to ${text}: ${client.received()}`);
        await setImmediate();
        sidecar.advance(stepMs);
        ms += stepMs;
      }
      client.socket.destroy();
      return { ...parse(client.received()), ms };
    },
    active: () => sidecar.outbound.clusters.get("shop.default:80")?.active ?? 0,
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 10) {
        await setImmediate();
        sidecar.advance(10);
      }
      for (let i = 0; i < 10; i++) await setImmediate();
    },
  };
}

function isComplete(text: string): boolean {
  const { head, body } = parse(text);
  const length = /content-length: *(\d+)/i.exec(head)?.[1];
  if (/transfer-encoding: *chunked/i.test(head)) return /(?:^|\r\n)0\r\n(?:[^\r]+\r\n)*\r\n$/.test(body);
  return length !== undefined && body.length >= Number(length);
}

function parse(text: string): Omit<Answer, "ms"> {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, head: text, body: "" };
  const head = text.slice(0, end + 2);
  return { status: Number(head.slice(9, 12)), head, body: text.slice(end + 4) };
}

export const GET = "GET /x HTTP/1.1\r\nHost: shop\r\n\r\n";

export function post(body: string, fields = ""): string {
  return `POST /x HTTP/1.1\r\nHost: shop\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}
