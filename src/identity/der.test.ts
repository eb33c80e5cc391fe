import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../test/harness/runs.ts";
import { DerError, DerReader, TAG } from "./der.ts";
import {
  readBitBytes,
  readBoolean,
  readInteger,
  readNamedBits,
  readOid,
  readSmallInteger,
  readTime,
} from "./der-values.ts";
import * as write from "./der-write.ts";

const reader = (hex: string) => new DerReader(Buffer.from(hex, "hex"));

describe("refused elements", () => {
  it.each([
    ["", "nothing"],
    ["30", "no length"],
    ["3001", "cut short"],
    ["3080", "an indefinite length"],
    ["308000", "an indefinite length of nothing"],
    ["308100", "a long form of a short length"],
    ["30817f", "a long form of 127"],
    ["30820080", "a padded length"],
    ["3083000100", "a padded length of three bytes"],
    ["308401000000", "a length of four bytes"],
    ["3fff01", "a long tag"],
  ])("%s: %s", (hex) => {
    expect(() => reader(hex).element()).toThrow(DerError);
  });

  it("another tag than the one that belongs here", () => {
    expect(() => reader("3000").content(TAG.set)).toThrow(DerError);
    expect(() => reader("3000").element(TAG.set)).toThrow(DerError);
  });

  it("bytes after the end", () => {
    expect(() => reader("00").end()).toThrow(DerError);
  });
});

describe("refused values", () => {
  const rows: readonly [string, (der: DerReader) => unknown, readonly string[]][] = [
    ["integers", readInteger, ["0200", "0202007f", "0202ff80"]],
    ["small integers", readSmallInteger, ["020180", "02020080", "02020100"]],
    ["booleans", readBoolean, ["0100", "010101", "0102ffff"]],
    ["bit strings", readBitBytes, ["0300", "030201ff"]],
    [
      "named bits",
      readNamedBits,
      ["0300", "030108", "030101", "030200fe", "030207ff", "03020100", "030400808080"],
    ],
    ["object identifiers", readOid, ["0600", "060180", "06028001", "060281", "0606ffffffffff7f"]],
    [
      "times",
      readTime,
      [
        "170b3236313132313031353030",
        ...[
          "2611210150Z",
          "261321015000Z",
          "260230015000Z",
          "261121245000Z",
          "261121016000Z",
          "2611210150-1Z",
        ].map((text) => Buffer.from(write.element(TAG.utcTime, Buffer.from(text))).toString("hex")),
        ...["20261121015000.5Z", "20261121015000+0100"].map((text) =>
          Buffer.from(write.element(TAG.generalizedTime, Buffer.from(text))).toString("hex"),
        ),
      ],
    ],
  ];
  it.each(rows.flatMap(([what, read, all]) => all.map((hex) => ({ what, read, hex }))))(
    "$what: $hex",
    ({ read, hex }) => {
      expect(() => read(reader(hex))).toThrow(DerError);
    },
  );
});

it("what is written is read back", () => {
  const back = <T>(bytes: Uint8Array, read: (der: DerReader) => T) => {
    const der = new DerReader(bytes);
    const value = read(der);
    der.end();
    return value;
  };
  for (const id of ["2.5.29.17", "1.2.840.113549.1.1.11", "1.3.132.0.34", "2.999.3", "0.9.0"]) {
    expect(back(write.oid(id), readOid)).toBe(id);
  }
  const anyTime = fc.integer({ min: Date.UTC(1950, 0), max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 70_000 }),
      anyTime,
      fc.integer({ min: 0, max: 0xffff }),
      fc.boolean(),
      (bytes, ms, bits, flag) => {
        expect(back(write.octetString(bytes), (der) => der.content(TAG.octetString))).toEqual(
          Buffer.from(bytes),
        );
        expect(back(write.bitString(bytes), readBitBytes)).toEqual(Buffer.from(bytes));
        expect(back(write.time(ms), readTime)).toBe(Math.floor(ms / 1000) * 1000);
        expect(back(write.namedBits(bits), readNamedBits)).toBe(bits);
        expect(back(write.boolean(flag), readBoolean)).toBe(flag);
        const number = back(write.integer(bytes.subarray(0, 20)), readInteger);
        const hex = (value: Uint8Array) => Buffer.from(value).toString("hex").replace(/^0+/, "");
        expect(hex(number)).toBe(hex(bytes.subarray(0, 20)));
      },
    ),
    runs(300),
  );
});
