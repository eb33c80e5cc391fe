import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeStatus, encodeCheck } from "./grpc-health.ts";

const framed = (...bytes: number[]) => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]);

it("a request has the service as field 1, and nothing where it is empty", () => {
  expect(encodeCheck("")).toEqual(framed());
  expect(encodeCheck("a.B")).toEqual(framed(0x0a, 3, 0x61, 0x2e, 0x42));
  const long = encodeCheck("x".repeat(200));
  expect([...long.subarray(0, 8)]).toEqual([0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01]);
});

it.each<[what: string, bytes: Buffer, status: string | undefined]>([
  ["SERVING", framed(0x08, 1), "SERVING"],
  ["the default, which is not sent", framed(), "UNKNOWN"],
  ["in more bytes than needed", framed(0x08, 0x81, 0x00), "SERVING"],
  ["the last of two", framed(0x08, 2, 0x08, 1), "SERVING"],
  [
    "behind fields of later versions",
    framed(0x12, 2, 8, 9, 0x19, ...Array(8).fill(1), 0x25, 1, 1, 1, 1, 0x08, 1),
    "SERVING",
  ],
  ["of another type", framed(0x0a, 1, 1), "UNKNOWN"],
  ["compressed", Buffer.from([1, 0, 0, 0, 2, 8, 1]), undefined],
  ["half a prefix", Buffer.from([0, 0, 0]), undefined],
  ["half a message", Buffer.from([0, 0, 0, 0, 2, 8]), undefined],
  ["a tag without a value", framed(0x08), undefined],
  ["a length beyond the end", framed(0x0a, 9, 1), undefined],
  ["a number without end", framed(0x08, ...Array(9).fill(0xff)), undefined],
  ["a group", framed(0x0b), undefined],
])("%s", (_what, bytes, status) => {
  expect(decodeStatus(bytes)).toBe(status);
});

it("any bytes are a status or none, and never loop", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const status = decodeStatus(framed(...bytes));
      expect(status === undefined || typeof status === "string").toBe(true);
    }),
  );
});
