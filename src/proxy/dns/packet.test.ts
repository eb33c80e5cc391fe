import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from "dns-packet";
import { describe, expect, it } from "vitest";
import {
  failure,
  fitted,
  isTruncated,
  questionOf,
  RCODE,
  rcodeOf,
  readQuery,
  reply,
  TYPE,
} from "./packet.ts";

const ID = 0x1234;

function bytesOf(packet: Packet): Buffer {
  return encode({ type: "query", id: ID, flags: RECURSION_DESIRED, ...packet });
}
function edns(more: object = {}): Answer {
  const plain = { extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] };
  return { type: "OPT", name: ".", udpPayloadSize: 1_400, ...plain, ...more };
}
const question = { type: "A", name: "shop.default" } as const;
const good = bytesOf({ questions: [question] });

function queryOf(bytes: Buffer) {
  const reading = readQuery(bytes);
  if (reading.kind !== "query") throw new Error(`read as ${reading.kind}`);
  return reading.query;
}
/** A copy with other bytes at a place. */
function patched(at: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(good);
  copy.set(bytes, at);
  return copy;
}

describe("readQuery", () => {
  it("reads name, type, and what the client takes", () => {
    expect(queryOf(good)).toMatchObject({
      id: ID,
      name: "shop.default",
      type: TYPE.a,
      isPlain: true,
      edns: null,
    });
    const secured = queryOf(bytesOf({ questions: [question], additionals: [edns({ flags: 0x8000 })] }));
    expect(secured.edns).toEqual({ size: 1_400, isSecured: true });
    expect(
      queryOf(bytesOf({ questions: [question], additionals: [edns({ udpPayloadSize: 1 })] })).edns?.size,
    ).toBe(512);
  });

  it.each([
    ["a dot in a label", Buffer.from("\x0cshop.default\0\0\x01\0\x01", "latin1")],
    ["bytes that are no text", Buffer.from("\x04s\xffop\0\0\x01\0\x01", "latin1")],
    ["another class", Buffer.from("\x04shop\0\0\x01\0\x03", "latin1")],
  ])("%s is passed on, and never taken for a name of the mesh", (_what, section) => {
    const query = queryOf(Buffer.concat([good.subarray(0, 12), section]));
    expect([query.isPlain, query.question.equals(section)]).toEqual([false, true]);
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["half a header", good.subarray(0, 11)],
    ["an answer", patched(2, 0x81)],
  ])("%s is not answered: two of our kind would never stop", (_what, bytes) => {
    expect(readQuery(bytes)).toEqual({ kind: "ignore" });
  });

  it.each([
    ["a header alone", good.subarray(0, 12), RCODE.malformed],
    ["no question", patched(4, 0, 0), RCODE.malformed],
    ["two questions", patched(4, 0, 2), RCODE.malformed],
    ["65,535 questions", patched(4, 0xff, 0xff), RCODE.malformed],
    ["an answer in a question", patched(6, 0, 1), RCODE.malformed],
    ["65,535 additional records", patched(10, 0xff, 0xff), RCODE.malformed],
    ["a name cut short", good.subarray(0, 15), RCODE.malformed],
    ["a name that points to itself", patched(12, 0xc0, 0x0c), RCODE.malformed],
    ["a name that points ahead", patched(12, 0xc0, 0x20), RCODE.malformed],
    ["a label of the kind that does not exist", patched(12, 0x80), RCODE.malformed],
    ["4,097 bytes", Buffer.concat([good, Buffer.alloc(4_097 - good.length)]), RCODE.malformed],
    ["an update", patched(2, 0x28), RCODE.notImplemented],
    ["a transfer", bytesOf({ questions: [{ type: "AXFR", name: "a" }] }), RCODE.notImplemented],
  ])("%s is refused", (_what, bytes, rcode) => {
    const reading = readQuery(bytes);
    if (reading.kind !== "refuse") throw new Error(`read as ${reading.kind}`);
    expect(decode(reading.answer)).toMatchObject({ id: ID, flag_qr: true });
    expect(rcodeOf(reading.answer)).toBe(rcode);
  });

  it("a version of EDNS that nobody knows is refused as RFC 6891 says", () => {
    const reading = readQuery(bytesOf({ questions: [question], additionals: [edns({ ednsVersion: 1 })] }));
    if (reading.kind !== "refuse") throw new Error(`read as ${reading.kind}`);
    expect(decode(reading.answer).additionals).toMatchObject([
      { type: "OPT", extendedRcode: 1, ednsVersion: 0 },
    ]);
  });
});

describe("answers", () => {
  const record: Answer = { type: "A", name: "SHOP.default", ttl: 30, data: "10.0.0.1" };

  it("have the client's id, question, letters and wishes", () => {
    const query = queryOf(
      bytesOf({ questions: [{ type: "A", name: "SHOP.default" }], additionals: [edns()] }),
    );
    expect(decode(reply(query, { answers: [record] }))).toMatchObject({
      id: ID,
      ...{ flag_qr: true, flag_aa: true, flag_rd: true, flag_ra: true, flag_tc: false },
      questions: [{ name: "SHOP.default", type: "A" }],
      answers: [{ name: "SHOP.default", data: "10.0.0.1", ttl: 30 }],
      additionals: [{ type: "OPT", udpPayloadSize: 1_232 }],
    });
    expect(decode(reply(query, { isSecondHand: true })).flag_aa).toBe(false);
  });

  it("that don't fit are cut down to the question, with the mark that there is more", () => {
    const answers = Array.from({ length: 40 }, () => record);
    const plain = queryOf(good);
    const whole = reply(plain, { answers });
    const cut = fitted(plain, whole);
    expect(cut.length).toBeLessThanOrEqual(512);
    expect([isTruncated(cut), isTruncated(whole)]).toEqual([true, false]);
    expect(decode(cut)).toMatchObject({ id: ID, questions: [question], answers: [] });
    const large = queryOf(bytesOf({ questions: [question], additionals: [edns()] }));
    const held = reply(large, { answers });
    expect(fitted(large, held)).toBe(held);
  });

  it("failures have the question, whatever its bytes", () => {
    const section = Buffer.from("\x04s\xffop\0\0\x01\0\x01", "latin1");
    const answer = failure(queryOf(Buffer.concat([good.subarray(0, 12), section])), RCODE.failed);
    expect(questionOf(answer)?.equals(section)).toBe(true);
    expect([rcodeOf(answer), decode(answer).flag_ra, decode(answer).flag_qr]).toEqual([2, true, true]);
  });
});
