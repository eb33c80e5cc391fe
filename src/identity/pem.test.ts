import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../test/harness/runs.ts";
import { formatPem, parsePem } from "./pem.ts";

it("blocks come back in order, whatever stands between them and however lines end", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }), (blocks) => {
      const text = blocks.map((der) => `a comment\n${formatPem("CERTIFICATE", der)}`).join("\n");
      const back = (pem: string) => parsePem(pem, "CERTIFICATE", 5);
      expect(back(text)).toEqual(blocks.map((der) => Buffer.from(der)));
      expect(back(text.replaceAll("\n", "\r\n"))).toEqual(back(text));
    }),
    runs(),
  );
});

it("blocks of other labels are left out", () => {
  const text = formatPem("EC PARAMETERS", Buffer.of(1)) + formatPem("CERTIFICATE", Buffer.of(2));
  expect(parsePem(text, "CERTIFICATE", 1)).toEqual([Buffer.of(2)]);
});

describe("refused", () => {
  const one = formatPem("CERTIFICATE", Buffer.of(1, 2, 3, 4));
  it.each([
    ["more blocks than asked for", one + one],
    ["no end", one.replace(/-----END.*/, "")],
    ["the end of another label", one.replace("END CERTIFICATE", "END KEY")],
    ["an empty block", one.replace("AQIDBA==", "")],
    ["what is not Base64", one.replace("AQIDBA==", "AQ!DBA==")],
    ["bits that belong to no byte", one.replace("AQIDBA==", "AQIDBB==")],
    ["no padding", one.replace("AQIDBA==", "AQIDBA")],
  ])("%s", (_what, text) => {
    expect(parsePem(text, "CERTIFICATE", 1)).toBeUndefined();
  });
});
