import fc from "fast-check";
import { expect, it } from "vitest";
import { Head } from "../http/head.ts";
import { readRequestHead } from "../http1/request-head.ts";
import { Replay } from "./replay.ts";

function headOf(path: string): Head {
  const bytes = Buffer.from(`GET /${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  const head = new Head(10);
  expect(readRequestHead(bytes, 0, bytes.length, head, 10_000)).toBe(bytes.length);
  return head;
}

it("requests that are under way at once keep heads of their own, whatever others end", () => {
  const step = fc.record({
    slot: fc.nat(3),
    bytes: fc.constantFrom(1, 4_000, 4_200),
    response: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const replays = Array.from({ length: 4 }, () => new Replay());
      const sent = new Map<Replay, string>();
      steps.forEach(({ slot, bytes, response }, index) => {
        const replay = replays[slot] ?? expect.fail();
        const path = String(index).padEnd(bytes, "x");
        if (response) {
          replay.drop();
          sent.delete(replay);
        } else {
          replay.clear();
          replay.begin(headOf(path), false);
          sent.set(replay, `/${path}`);
        }
        for (const [each, expected] of sent) {
          const head = headOf("another");
          head.end = head.start + expected.length;
          each.restore(head);
          expect(head.buf.toString("latin1", 4, 4 + expected.length)).toBe(expected);
        }
      });
    }),
  );
});
