import { describe, expect, it } from "vitest";
import { LoadError } from "./load-error.ts";
import { type LoadOptions, planLoad } from "./options.ts";

const url = "http://127.0.0.1:8080/a?b=c";

function bytesOf(options: LoadOptions): string {
  return planLoad(options).request.bytes.toString("latin1");
}

function problemsOf(options: LoadOptions): readonly string[] {
  try {
    planLoad(options);
  } catch (error) {
    if (error instanceof LoadError) return error.problems;
    throw error;
  }
  return [];
}

describe("defaults", () => {
  it("an open loop of 100/s over 32 connections for 10 s after 2 s, 10 s for each request", () => {
    expect(planLoad({ url })).toMatchObject({
      mode: "open",
      rate: 100,
      arrival: "uniform",
      connections: 32,
      maxInFlight: 32,
      durationMs: 10_000,
      requests: undefined,
      warmupMs: 2_000,
      timeoutMs: 10_000,
    });
  });

  it("a number of requests has no warm-up and no duration", () => {
    expect(planLoad({ url, requests: 5 })).toMatchObject({ requests: 5, durationMs: undefined, warmupMs: 0 });
  });
});

describe("the request", () => {
  it("is in origin form with our own fields", () => {
    expect(bytesOf({ url })).toBe(
      "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: weft-load\r\nAccept: */*\r\n\r\n",
    );
  });

  it("is in absolute form through a proxy, and goes to the proxy", () => {
    const { request } = planLoad({ url: "http://web.default/x", proxy: "http://127.0.0.1:15001" });
    expect(request.bytes.toString()).toMatch(
      /^GET http:\/\/web\.default\/x HTTP\/1\.1\r\nHost: web\.default\r\n/,
    );
    expect([request.hostname, request.port]).toEqual(["127.0.0.1", 15_001]);
  });

  it("takes headers in the place of its own, a host, a method and a body", () => {
    const text = bytesOf({
      url,
      method: "PUT",
      host: "web",
      body: "äx",
      headers: [
        ["Accept", "text/plain"],
        ["x-a", " 1 "],
        ["x-a", "2"],
      ],
    });
    expect(text).toBe(
      "PUT /a?b=c HTTP/1.1\r\nHost: web\r\nUser-Agent: weft-load\r\nAccept: text/plain\r\nx-a: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\n\xc3\xa4x",
    );
  });

  it("is a POST with a body, and says so when a POST has none", () => {
    expect(bytesOf({ url, body: "x" })).toMatch(/^POST /);
    expect(bytesOf({ url, method: "POST" })).toMatch(/\r\nContent-Length: 0\r\n\r\n$/);
  });

  it("goes to an IPv6 address without its brackets", () => {
    expect(planLoad({ url: "http://[::1]/" }).request).toMatchObject({ hostname: "::1", port: 80 });
  });
});

describe("refused", () => {
  it.each<[string, Partial<LoadOptions>, RegExp]>([
    ["more than a million a second", { rate: 1_000_001 }, /rate must be from/],
    ["no rate", { rate: 0 }, /rate must be from/],
    ["not a number", { rate: Number.NaN }, /rate must be from/],
    ["more than a day", { durationMs: 24 * 3_600_000 + 1 }, /duration must be from/],
    ["no duration", { durationMs: 0 }, /duration/],
    ["no request", { requests: 0 }, /requests/],
    ["half a request", { requests: 1.5 }, /whole number/],
    ["both lengths", { requests: 1, durationMs: 1 }, /exclude each other/],
    ["a closed loop with a rate", { mode: "closed", rate: 5 }, /no rate/],
    ["too many connections", { connections: 20_001 }, /connections/],
    ["https", { url: "https://x/" }, /only http/],
    ["no URL", { url: "x" }, /is no URL/],
    ["credentials in the URL", { url: "http://a:b@x/" }, /credentials/],
    ["a header that ends the head", { headers: [["x", "a\r\nb: c"]] }, /not allowed/],
    ["a name that is none", { headers: [["x y", "a"]] }, /name "x y"/],
    ["framing by hand", { headers: [["Transfer-Encoding", "chunked"]] }, /frames its requests itself/],
    ["a method with a blank", { method: "GET /" }, /no HTTP method/],
    ["CONNECT", { method: "CONNECT" }, /tunnel/],
    ["a host that ends the head", { host: "a\r\nb" }, /neither a name/],
    ["a host through a proxy", { host: "a", proxy: "http://p/" }, /the URL names the host/],
  ])("%s", (_name, options, message) => {
    expect(problemsOf({ url, ...options }).join("\n")).toMatch(message);
  });

  it("with everything that is wrong, at once", () => {
    expect(problemsOf({ url: "x", rate: -1, connections: 0, method: "" })).toHaveLength(4);
  });
});
