/** Policies that let through see a field only if the application gets it: the two must agree. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { requestHead } from "../../../test/harness/head.ts";
import { editedBytes, isForwarded, writeRequestHead } from "./head-edit.ts";

it("says of each field whether it goes on", () => {
  const name = fc.constantFrom(
    "x-a",
    "X-B",
    "te",
    "keep-alive",
    "cookie",
    "x-weft-id",
    "X_Forwarded-Client_Cert",
  );
  const nominated = fc.subarray(["x-a", "X-b", "cookie", "close", "x-weft-id", "te"]);
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), nominated, (names, tokens) => {
      const lines = names.map((each, i) => `${each}: ${i}`);
      const connection = tokens.length === 0 ? [] : [`Connection: ${tokens.join(", ")}`];
      const head = requestHead("GET / HTTP/1.1", "Host: a", ...connection, ...lines);
      const out = Buffer.alloc(editedBytes(head, null));
      const written = out.toString("latin1", 0, writeRequestHead(out, 0, head, null, 0)).split("\r\n");
      for (let field = 0; field < head.fieldCount; field++) {
        const line = head.buf.toString("latin1", head.nameStart(field), head.valueEnd(field));
        expect(isForwarded(head, field), line).toBe(written.includes(line));
      }
    }),
    { numRuns: 500 },
  );
});
