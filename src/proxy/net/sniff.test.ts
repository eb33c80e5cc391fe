import { expect, it } from "vitest";
import { sniff } from "./sniff.ts";

const kind = (text: string) => {
  const bytes = Buffer.from(`xx${text}x`, "latin1");
  return sniff(bytes, 2, bytes.length - 1);
};

it.each(["\x16\x03\x01\x00\xc8\x01", "\x16\x03\x03\x40\x00\x01rest", "\x16\x03\x00\x00\x04\x01"])(
  "%j is TLS",
  (text) => expect(kind(text)).toBe("tls"),
);

it.each([
  "G",
  "GET / HTTP/1.1\r\n",
  "\r\n",
  "\x00",
  "\x16\x02",
  "\x16\x04\x01\x00\xc8\x01",
  "\x16\x03\x01\x00\xc8\x02",
  "\x17\x03\x03\x00\xc8\x01",
  "\x15\x03\x01\x00\x02\x02\x28",
  "\x80\x2e\x01",
])("%j is not", (text) => expect(kind(text)).toBe("plaintext"));

it("a ClientHello is undecided up to its sixth byte", () => {
  for (let length = 1; length <= 5; length++) {
    expect(kind("\x16\x03\x01\x00\xc8\x01".slice(0, length)), `${length}`).toBe("undecided");
  }
});
