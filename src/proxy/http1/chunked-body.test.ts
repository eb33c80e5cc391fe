import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChunkedBody } from "./chunked-body.ts";

function pass(
  text: string,
  cuts: readonly number[],
  keepsFraming = true,
): { output: string; rest: string } | "fault" {
  const body = new ChunkedBody();
  body.reset(keepsFraming);
  const bytes = Buffer.from(text, "latin1");
  let output = "";
  const edges = [0, ...cuts, bytes.length];
  for (let i = 0; i + 1 < edges.length; i++) {
    const part = Buffer.from(bytes.subarray(edges[i], edges[i + 1]));
    if (part.length === 0) continue;
    const read = body.scan(part, 0, part.length);
    if (read < 0) return "fault";
    output += part.toString("latin1", 0, body.outputEnd) + body.tail.toString("latin1");
    if (body.isDone) {
      return { output, rest: part.toString("latin1", read) + bytes.toString("latin1", edges[i + 1]) };
    }
  }
  return { output, rest: "unfinished" };
}

const GOOD: readonly (readonly [name: string, input: string, output: string, data: string])[] = [
  ["one chunk", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"],
  [
    "two chunks, hex in both cases",
    "a\r\n0123456789\r\nA\r\nabcdefghij\r\n0\r\n\r\n",
    "a\r\n0123456789\r\nA\r\nabcdefghij\r\n0\r\n\r\n",
    "0123456789abcdefghij",
  ],
  ["empty body", "0\r\n\r\n", "0\r\n\r\n", ""],
  ["extension is cut", '5;a="b"\r\nhello\r\n0;x\r\n\r\n', "5\r\nhello\r\n0\r\n\r\n", "hello"],
  ["trailer passes", "0\r\nX-Sum: 1\r\n\r\n", "0\r\nX-Sum: 1\r\n\r\n", ""],
  [
    "forbidden trailers are cut",
    "1\r\nz\r\n0\r\nHost: a\r\nContent-Length: 4\r\nAuthorization: x\r\nX-Forwarded-For: 1\r\nx-weft-a: 1\r\nOk: 1\r\n\r\n",
    "1\r\nz\r\n0\r\nOk: 1\r\n\r\n",
    "z",
  ],
];

describe("chunked body, split at every byte", () => {
  for (const [name, input, output, data] of GOOD) {
    it(name, () => {
      const withNext = `${input}GET /`;
      expect(pass(withNext, [])).toEqual({ output, rest: "GET /" });
      expect(pass(withNext, [], false)).toEqual({ output: data, rest: "GET /" });
      for (let cut = 1; cut < input.length; cut++) {
        expect(pass(withNext, [cut])).toEqual({ output, rest: "GET /" });
        expect(pass(withNext, [cut], false)).toEqual({ output: data, rest: "GET /" });
      }
      expect(
        pass(
          input,
          Array.from({ length: input.length - 1 }, (_, i) => i + 1),
        ),
      ).toEqual({ output, rest: "" });
    });
  }
});

const BAD = [
  "0x5\r\nhello\r\n",
  "+5\r\nhello\r\n",
  "-1\r\n",
  "5_0\r\n",
  "\r\n",
  " 5\r\nhello\r\n",
  "5 \r\nhello\r\n",
  "11111111111111111\r\n",
  "5\nhello\r\n",
  "5\r\nhelloX\n",
  "5\r\nhello\n0\r\n\r\n",
  "5;\nhello",
  '1;ext="val\r\nX\n',
  "5;a\x00b\r\n",
  "0\r\nA : b\r\n\r\n",
  "0\r\n folded: b\r\n\r\n",
  "0\r\n\rX",
  `5;${"x".repeat(20_000)}\r\n`,
  `0\r\n${"A: b\r\n".repeat(65)}\r\n`,
  `0\r\nA: ${"b".repeat(20_000)}`,
];

describe("malformed chunked body is refused, however it is split", () => {
  for (const input of BAD) {
    it(JSON.stringify(input.slice(0, 40)), () => {
      expect(pass(input, [])).toBe("fault");
      const step = Math.max(1, Math.floor(input.length / 64));
      for (let cut = 1; cut < input.length; cut += step) expect(pass(input, [cut])).toBe("fault");
    });
  }
});

it("any list of chunks keeps its data, however it is split", () => {
  const chunk = fc.tuple(fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" }), fc.boolean());
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 6 }),
      fc.array(fc.nat(300), { maxLength: 6 }),
      (chunks, cutsAt) => {
        const input = `${chunks.map(([data, ext]) => `${data.length.toString(16)}${ext ? ";e=1" : ""}\r\n${data}\r\n`).join("")}0\r\n\r\n`;
        const cuts = cutsAt.filter((cut) => cut > 0 && cut < input.length).sort((a, b) => a - b);
        expect(pass(input, cuts, false)).toEqual({ output: chunks.map(([data]) => data).join(""), rest: "" });
        expect(pass(input, cuts)).toEqual({ output: input.replaceAll(";e=1\r\n", "\r\n"), rest: "" });
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});
