/** Lines are the same however they are cut into chunks, and one that is too long costs nothing but itself. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { runs } from "../../../../test/harness/runs.ts";
import { LineReader } from "./line-reader.ts";

const MAX = 12;

function read(chunks: readonly Buffer[]): { readonly lines: readonly string[]; readonly tooLong: number } {
  const lines: string[] = [];
  let tooLong = 0;
  const reader = new LineReader(
    MAX,
    (line) => lines.push(line),
    () => tooLong++,
  );
  for (const chunk of chunks) reader.push(chunk);
  return { lines, tooLong };
}

it("gives whole lines, whatever the chunks, and tells once of each that is too long", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 10 }).map((text) => text.replaceAll("\n", ""));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), line, fc.array(fc.nat(40)), (texts, rest, cuts) => {
      const bytes = Buffer.from(texts.map((text) => `${text}\n`).join("") + rest);
      const chunks: Buffer[] = [];
      let from = 0;
      for (const cut of [...cuts, bytes.length]) {
        chunks.push(bytes.subarray(from, from + cut));
        from += cut;
      }
      const isLong = (text: string) => Buffer.byteLength(text) > MAX;
      expect(read(chunks)).toEqual({
        lines: texts.filter((text) => text !== "" && !isLong(text)),
        tooLong: [...texts, rest].filter(isLong).length,
      });
    }),
    runs(200),
  );
});
