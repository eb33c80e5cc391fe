import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { refusal } from "./guard.ts";
import { healthRoutes } from "./ready.ts";
import type { SmallServer } from "./server.ts";
import { startSmallServer, text, withIndex } from "./server.ts";

let server: SmallServer;
let drains = 0;
let isDraining = false;
let certificateFault = "";

beforeEach(async () => {
  drains = 0;
  isDraining = false;
  certificateFault = "";
  const state = { isListening: true, isConfigured: true, isConnected: false, lostBecause: "" };
  const health = () => ({ ...state, isDraining, certificateFault });
  server = await startSmallServer({
    host: "127.0.0.1",
    port: 0,
    refusal,
    routes: withIndex("title", {
      ...healthRoutes(health),
      "/drain": { method: "POST", about: "drains", handle: () => text(202, `${++drains}`) },
      "/broken": { method: "GET", about: "throws", handle: () => Promise.reject(new Error("oops")) },
    }),
  });
});
afterEach(() => server.close());

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}
function call(
  path: string,
  method = "GET",
  headers: Record<string, string> = {},
  body?: string,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port: server.port, path, method, headers },
      (response) => {
        let received = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          received += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: received, headers: response.headers }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

describe("a small server", () => {
  it("lists its pages at /", async () => {
    const { body } = await call("/?x=1");
    expect(body).toMatch(/^title\n\nGET {2}\/healthz\/ready/);
    expect(body).toContain("POST /drain");
  });
  it("answers 404 for what it has not, also for names that every object has", async () => {
    for (const path of ["/nothing", "/constructor", "/__proto__", "//", "/config/"]) {
      expect((await call(path)).status).toBe(404);
    }
  });
  it("changes nothing on the wrong method", async () => {
    const got = await call("/drain");
    expect([got.status, got.headers.allow, drains]).toEqual([405, "POST", 0]);
    expect((await call("/healthz/live", "POST")).status).toBe(405);
    expect((await call("/drain", "POST")).status).toBe(202);
    expect((await call("/healthz/ready", "HEAD")).body).toBe("");
  });
  it("refuses a foreign Host, a proxied request and a web page before it looks at the path", async () => {
    expect((await call("/drain", "POST", { host: "evil.example" })).status).toBe(403);
    expect((await call("/drain", "POST", { via: "1.1 x" })).status).toBe(403);
    expect((await call("/drain", "POST", { origin: "https://evil.example" })).status).toBe(403);
    expect(drains).toBe(0);
  });
  it("answers 500 when a page fails", async () => {
    expect((await call("/broken")).status).toBe(500);
  });
  it("reads no body: it answers and closes", async () => {
    const { status, headers } = await call("/drain", "POST", {}, "x".repeat(1_000));
    expect([status, headers.connection]).toEqual([202, "close"]);
  });
  it("refuses a head over its limit", async () => {
    expect((await call("/", "GET", { "x-long": "x".repeat(20_000) })).status).toBe(431);
  });
  it("tells ready from draining", async () => {
    expect((await call("/healthz/ready")).status).toBe(200);
    certificateFault = "it has expired; away";
    expect(await call("/healthz/ready")).toMatchObject({
      status: 503,
      body: "not ready: no valid certificate: it has expired; away\n",
    });
    isDraining = true;
    const { status, body } = await call("/healthz/ready");
    expect([status, body]).toEqual([503, "not ready: draining\n"]);
    expect((await call("/healthz/live")).status).toBe(200);
  });
  it("closes open connections when it closes", async () => {
    const socket = connect(server.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    await server.close();
    await closed;
  });
});
