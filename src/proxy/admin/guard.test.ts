import { describe, expect, it } from "vitest";
import { isLocalAuthority, refusal } from "./guard.ts";

describe("isLocalAuthority", () => {
  it.each([
    "127.0.0.1",
    "127.0.0.1:15000",
    "[::1]",
    "[::1]:15000",
    "localhost",
    "LOCALHOST:1",
    "10.1.2.3:80",
  ])("takes %s", (host) => expect(isLocalAuthority(host)).toBe(true));
  it.each([
    undefined,
    "",
    "evil.example",
    "evil.example:15000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "[evil]",
    "::1",
    "127.0.0.1:15000:1",
    "0x7f000001",
    "2130706433",
  ])("refuses %s", (host) => expect(isLocalAuthority(host)).toBe(false));
});

describe("refusal", () => {
  it("takes a direct request", () => {
    expect(refusal({ headers: { host: "127.0.0.1:1", "user-agent": "curl" } })).toBeUndefined();
    expect(refusal({ headers: { host: "[::1]:1", origin: "http://127.0.0.1:1" } })).toBeUndefined();
  });
  it.each([
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-weft-attempt",
    "x-envoy-peer",
    "x-forwarded-client-cert",
  ])("refuses one with %s", (name) =>
    expect(refusal({ headers: { host: "127.0.0.1", [name]: "x" } })?.status).toBe(403),
  );
  it("refuses one from a web page", () => {
    expect(refusal({ headers: { host: "127.0.0.1", origin: "https://evil.example" } })?.status).toBe(403);
    expect(refusal({ headers: { host: "127.0.0.1", origin: "null" } })?.status).toBe(403);
  });
});
