/** Chunked bodies: the codec against the reference, whole, at every byte, and in random pieces; with and without framing. */
import { describe, expect, it } from "vitest";
import { ChunkedBody } from "../../src/proxy/http1/chunked-body.ts";
import { below } from "../harness/random.ts";
import { fuzz } from "./cases.ts";
import { passingTrailers, referenceChunked } from "./chunked-reference.ts";
import { CHUNKED } from "./corpus.ts";

interface Passed {
  readonly kind: "whole" | "bad" | "open";
  readonly output: string;
  /** Bytes behind the body. */
  readonly rest: string;
}

function pass(text: string, cuts: readonly number[], keepsFraming: boolean): Passed {
  const body = new ChunkedBody();
  body.reset(keepsFraming);
  let output = "";
  let start = 0;
  for (const end of [...cuts, text.length]) {
    // Bytes before and behind belong to others, and must stay as they are.
    const bytes = Buffer.from(`<<${text.slice(start, end)}>>`, "latin1");
    const after = body.scan(bytes, 2, bytes.length - 2);
    if (after < 0) return { kind: "bad", output, rest: "" };
    expect(bytes.toString("latin1", 0, 2) + bytes.toString("latin1", bytes.length - 2)).toBe("<<>>");
    expect(body.outputEnd).toBeLessThanOrEqual(after);
    output += bytes.toString("latin1", 2, body.outputEnd) + body.tail.toString("latin1");
    if (body.isDone) return { kind: "whole", output, rest: text.slice(start + after - 2) };
    expect(after).toBe(bytes.length - 2);
    start = end;
  }
  return { kind: "open", output, rest: "" };
}

describe("chunked bodies", () => {
  it("are what the reference says, however they are cut", { timeout: 600_000 }, () => {
    let whole = 0;
    fuzz(CHUNKED, 1_500, (text, random) => {
      const expected = referenceChunked(text);
      const random3 = Array.from({ length: 3 }, () => below(random, text.length + 1)).toSorted(
        (a, b) => a - b,
      );
      const ways = [[], random3, Array.from({ length: text.length }, (_, i) => i)];
      for (let cut = 1; cut < text.length; cut++) ways.push([cut]);
      for (const keepsFraming of [true, false]) {
        for (const cuts of ways) {
          const passed = pass(text, cuts, keepsFraming);
          expect(passed.kind).toBe(expected.kind);
          if (expected.kind === "bad") continue;
          if (expected.kind === "whole") expect(passed.rest).toBe(expected.rest);
          if (!keepsFraming) expect(passed.output).toBe(expected.data);
          else if (expected.kind === "whole") checkFraming(passed.output, expected);
        }
      }
      if (expected.kind === "whole") whole++;
    });
    expect(whole).toBeGreaterThan(300);
  });
});

/** What goes on is itself a chunked body, without extensions and with the trailers that may pass. */
function checkFraming(
  output: string,
  came: Extract<ReturnType<typeof referenceChunked>, { kind: "whole" }>,
): void {
  const gone = referenceChunked(output);
  expect(gone).toEqual({
    kind: "whole",
    data: came.data,
    trailers: passingTrailers(came.trailers),
    rest: "",
  });
  let rest = output;
  for (let line = /^([0-9A-Fa-f]+)\r\n/.exec(rest); line !== null; line = /^([0-9A-Fa-f]+)\r\n/.exec(rest)) {
    const size = Number.parseInt(line[1] ?? "", 16);
    if (size === 0) return;
    rest = rest.slice(line[0].length + size + 2);
  }
  throw new Error(`an extension has passed: ${JSON.stringify(output)}`);
}
