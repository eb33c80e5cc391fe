import { expect, it } from "vitest";
import { looksLikeRequest } from "./looks-like-request.ts";

const look = (text: string) => {
  const buf = Buffer.from(`<${text}>`, "latin1");
  return looksLikeRequest(buf, 1, buf.length - 1);
};

it.each([
  ["GET / HTTP/1.1\r\n", "http"],
  ["GET /", "http"],
  ["M-SEARCH * HTTP/1.1", "http"],
  ["OPTIONS * HTTP/1.1", "http"],
  ["PROPFIND /a", "http"],
  ["", "undecided"],
  ["G", "undecided"],
  ["GET", "undecided"],
  ["GET ", "undecided"],
  ["PRI *", "undecided"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "other"],
  ["CONNECT a:443 HTTP/1.1", "other"],
  ["GET http://a/ HTTP/1.1", "other"],
  ["EHLO mail.example\r\n", "other"],
  ["GET key\r\n", "other"],
  ["get /", "other"],
  ["*1\r\n$4\r\nPING\r\n", "other"],
  ["PING\r\n", "other"],
  ["\x16\x03\x01", "other"],
  ["\0", "other"],
  [" GET /", "other"],
  ["AB /", "other"],
  ["A".repeat(25), "other"],
])("%j looks like %s", (text, expected) => {
  expect(look(text)).toBe(expected);
});
