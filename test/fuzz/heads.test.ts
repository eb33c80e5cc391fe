/** Request and response heads: the codec against the reference, whole and at every length, and what goes on from them. */
import { describe, expect, it } from "vitest";
import { Head } from "../../src/proxy/http/head.ts";
import {
  editedBytes,
  UPGRADE_BIT,
  writeRequestHead,
  writeResponseHead,
} from "../../src/proxy/http1/head-edit.ts";
import { readRequestHead, wantsUpgrade } from "../../src/proxy/http1/request-head.ts";
import { readResponseHead } from "../../src/proxy/http1/response-head.ts";
import { oneOf } from "../harness/random.ts";
import { fuzz } from "./cases.ts";
import { REQUESTS, RESPONSES } from "./corpus.ts";
import {
  connectionOptions,
  type Field,
  type Limits,
  type Message,
  referenceRequest,
  referenceResponse,
  valuesOf,
} from "./http-reference.ts";

const LOOSE: Limits = { maxBytes: 1 << 20, maxFields: 1_000 };
const LIMITS: readonly Limits[] = [
  LOOSE,
  LOOSE,
  { maxBytes: 65_536, maxFields: 3 },
  { maxBytes: 60, maxFields: 100 },
];

type Reader = typeof readRequestHead;

/** Reads `text`, and checks on the way that no shorter part of it was judged otherwise. */
function readGrowing(reader: Reader, text: string, head: Head, limits: Limits): number {
  const bytes = Buffer.from(`@@${text}`, "latin1");
  const at = (length: number) => {
    const verdict = reader(bytes, 2, 2 + length, head, limits.maxBytes);
    return verdict > 0 ? verdict - 2 : verdict;
  };
  const whole = at(text.length);
  let isJudged = false;
  for (let length = 0; length < text.length; length++) {
    const verdict = at(length);
    if (verdict !== 0) isJudged = true;
    if (isJudged || (whole > 0 && length >= whole)) expect(verdict).toBe(whole);
    if (whole > 0 && length < whole) expect(verdict).toBe(0);
  }
  // Once more, because the parts have filled the head too.
  expect(at(text.length)).toBe(whole);
  return whole;
}

function fieldsOf(head: Head): Field[] {
  return Array.from({ length: head.fieldCount }, (_, i) => ({
    name: head.buf.toString("latin1", head.nameStart(i), head.nameEnd(i)),
    value: head.value(i),
  }));
}

function compare(head: Head, after: number, expected: Message): void {
  expect(after).toBe(expected.length);
  expect(fieldsOf(head)).toEqual(expected.fields);
  const { minorVersion, contentLength, isChunked } = head;
  expect({ minorVersion, contentLength, isChunked }).toEqual({
    minorVersion: expected.minor,
    contentLength: expected.contentLength,
    isChunked: expected.isChunked,
  });
  // Where HTTP/1.0 asks in its second Connection field to be kept, it is not: closing is always right.
  const isLate = expected.minor === 0 && valuesOf(expected.fields, "connection").length > 1;
  if (!isLate || head.keepAlive) expect(head.keepAlive).toBe(expected.keepsAlive);
}

const HOP = /^(?:connection|keep-alive|proxy-(?:connection|authorization|authenticate)|http2-settings)$/;
const REQUEST_HOP = /^(?:te|upgrade|x-forwarded-client-cert|x-weft-.+)$/;
const KEPT =
  /^(?:host|content-.*|transfer-encoding|authorization|cookie|x-request-id|x-forwarded-.*|trace.*)$/;

/** The fields that pass this hop, in their order, as they came. */
function passing(fields: readonly Field[], alsoStops: (name: string) => boolean): Field[] {
  // Naming Upgrade is what Upgrade asks for; whether it passes is another rule.
  const nominated = connectionOptions(fields).filter((name) => name !== "upgrade");
  return fields.filter(({ name }) => {
    const lower = name.toLowerCase();
    return !HOP.test(lower) && !alsoStops(lower) && (!nominated.includes(lower) || KEPT.test(lower));
  });
}

function written(write: (out: Buffer) => number, head: Head): string {
  const out = Buffer.alloc(editedBytes(head, null), "\n");
  return `${out.toString("latin1", 0, write(out))}\r\n`;
}

describe("request heads", () => {
  it("are taken when the reference takes them, refused at the first wrong byte, and go on strictly valid", {
    timeout: 600_000,
  }, () => {
    let accepted = 0;
    const head = [new Head(1_000), new Head(3), new Head(100)];
    fuzz(REQUESTS, 4_000, (text, random) => {
      const limits = oneOf(random, LIMITS);
      const own = head.find(({ maxFields }) => maxFields === limits.maxFields) ?? new Head(limits.maxFields);
      const after = readGrowing(readRequestHead, text, own, limits);
      const expected = referenceRequest(text, limits);
      expect(after > 0).toBe(expected !== undefined);
      const isComplete = text.slice(text.startsWith("\r\n") ? 2 : 0).includes("\r\n\r\n");
      if (after === 0) expect(isComplete).toBe(false);
      if (expected === undefined) return;
      accepted++;
      compare(own, after, expected);
      expect(own.method()).toBe(expected.method);
      expect(own.authority()).toBe(expected.authority);
      if (expected.method === "CONNECT") return;
      expect(own.path()).toBe(expected.path);
      checkForwarded(own, expected);
    });
    expect(accepted).toBeGreaterThan(500);
  });
});

function checkForwarded(head: Head, came: NonNullable<ReturnType<typeof referenceRequest>>): void {
  const upgrades = wantsUpgrade(head);
  if (upgrades) expect(valuesOf(came.fields, "upgrade").join()).not.toMatch(/h2c/i);
  const text = written((out) => writeRequestHead(out, 0, head, null, upgrades ? UPGRADE_BIT : 0), head);
  const gone = referenceRequest(text, LOOSE);
  if (gone === undefined) throw new Error(`not valid: ${JSON.stringify(text)}`);
  expect(gone.length).toBe(text.length);
  expect(gone.minor).toBe(1);
  const isBareOptions =
    came.method === "OPTIONS" && /^\S+ http:\/\/[^/]+ /im.test(head.buf.toString("latin1", head.start));
  expect([gone.method, gone.path]).toEqual([came.method, isBareOptions ? "*" : came.path]);
  expect(gone.authority).toBe(came.authority === "" ? "localhost" : came.authority);
  expect([gone.contentLength, gone.isChunked]).toEqual([came.contentLength, came.isChunked]);
  const stops = (name: string) => REQUEST_HOP.test(name) && !(upgrades && name === "upgrade");
  const withoutHost = (fields: readonly Field[]) =>
    fields.filter(({ name }) => name.toLowerCase() !== "host");
  expect(withoutHost(gone.fields)).toEqual(withoutHost(passing(came.fields, stops)));
}

describe("response heads", () => {
  it("are taken when the reference takes them, refused at the first wrong byte, and go on strictly valid", {
    timeout: 600_000,
  }, () => {
    let accepted = 0;
    const heads = [new Head(1_000), new Head(3), new Head(100)];
    fuzz(RESPONSES, 4_000, (text, random) => {
      const limits = oneOf(random, LIMITS);
      const own = heads.find(({ maxFields }) => maxFields === limits.maxFields) ?? new Head(limits.maxFields);
      const after = readGrowing(readResponseHead, text, own, limits);
      const expected = referenceResponse(text, limits);
      expect(after > 0).toBe(expected !== undefined);
      if (after === 0) expect(text).not.toContain("\r\n\r\n");
      if (expected === undefined) return;
      accepted++;
      compare(own, after, expected);
      expect(own.status).toBe(expected.status);
      const out = written((bytes) => writeResponseHead(bytes, 0, own, null, 0), own);
      const gone = referenceResponse(out, LOOSE);
      if (gone === undefined) throw new Error(`not valid: ${JSON.stringify(out)}`);
      expect(gone).toMatchObject({ length: out.length, minor: 1, status: expected.status });
      const { status } = expected;
      const hasNoLength = status < 200 || status === 204;
      const stops = (name: string) =>
        (name === "content-length" && hasNoLength) ||
        (name === "upgrade" && status !== 101 && status !== 426);
      expect(gone.fields).toEqual(passing(expected.fields, stops));
    });
    expect(accepted).toBeGreaterThan(500);
  });
});
