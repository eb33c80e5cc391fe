import fc from "fast-check";
import { expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { Frames, framed } from "./frames.ts";

it("messages come out whole and in order, in whatever pieces they come", () => {
  const message = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 50 })),
      (sent, sizes) => {
        const stream = Buffer.concat(sent.map(framed));
        const frames = new Frames();
        const got: Buffer[] = [];
        let at = 0;
        for (let i = 0; at < stream.length; i++) {
          const end = at + (sizes[i % Math.max(1, sizes.length)] ?? 7);
          frames.push(stream.subarray(at, end));
          at = end;
          // Sometimes only later.
          if (i % 3 === 0) continue;
          for (let next = frames.next(); next !== undefined; next = frames.next()) got.push(next);
        }
        for (let next = frames.next(); next !== undefined; next = frames.next()) got.push(next);
        expect(got.map((one) => one.toString("hex"))).toEqual(sent.map((one) => one.toString("hex")));
      },
    ),
    runs(100),
  );
});
