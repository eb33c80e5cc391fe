import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { MirrorComparison } from "../../discovery/mirror-comparison.ts";
import { compare } from "./compare.ts";
import type { ResponseSample } from "./sample.ts";

const JSON_BODY: MirrorComparison = { body: "json" };

function response(body: string | Uint8Array | null, more: Partial<ResponseSample> = {}): ResponseSample {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return { status: 200, headers: [], encoding: "", body: bytes, isOwn: false, ...more };
}

function compared(real: ResponseSample, mirror: ResponseSample, settings: MirrorComparison = JSON_BODY) {
  const { result, paths, headers } = compare({
    route: "r",
    cluster: "c",
    settings,
    kind: "both",
    real,
    mirror,
  });
  return [
    result,
    ...[...headers, ...paths].map(([at, { kind, real, mirror }]) => `${kind} ${at} ${real} ${mirror}`),
  ];
}

it.each<[string, string, string, string[]]>([
  ["the same bytes", "{oops", "{oops", ["same"]],
  ["the same value", '{"a":1, "b":[ ]}', '{"b":[],"a":1.0}', ["same"]],
  ["malformed of the mirror", "{}", "{oops", ["body", "not_json  JSON not JSON"]],
  ["malformed both", "a", "b", ["body", "not_json  not JSON not JSON"]],
  ["not UTF-8", "{}", "\xff", ["body", "not_json  JSON not JSON"]],
  ["nothing", "{}", "", ["body", "not_json  JSON not JSON"]],
  [
    "examples",
    '{"a":"x","b":[1],"c":{}}',
    '{"a":null,"b":1,"d":{"e":1}}',
    [
      "body",
      'changed /a "x" null',
      "changed /b list of 1 1",
      "missing /c map of 0 null",
      "extra /d null map of 1",
    ],
  ],
  [
    "ids beyond a double",
    '{"id":9007199254740993}',
    '{"id":9007199254740992}',
    ["body", "changed /id 9007199254740993 9007199254740992"],
  ],
  ["large numbers written in two ways", '{"n":10000000000000000000}', '{"n":1.0e19}', ["same"]],
  [
    "so deep that a reviver would overflow",
    `${"[".repeat(30_000)}1234567890123456${"]".repeat(30_000)}`,
    `${"[".repeat(30_000)}1234567890123456 ${"]".repeat(30_000)}`,
    ["same"],
  ],
])("JSON: %s", (_, real, mirror, expected) => {
  const bytes = (text: string) => Buffer.from(text, "latin1");
  expect(compared(response(bytes(real)), response(bytes(mirror)))).toEqual(expected);
});

it("bytes: each counts", () => {
  const settings = { body: "bytes" } as const;
  expect(compared(response("{ }"), response("{}"), settings)).toEqual(["body", "changed  3 bytes 2 bytes"]);
  expect(compared(response("{}"), response("{}"), settings)).toEqual(["same"]);
});

it("without body: statuses and headers alone", () => {
  const settings = { headers: ["etag", "x-a", "x-b"] };
  const real = response(null, { headers: ["1", "a", null] });
  expect(compared(real, response(null, { headers: ["1", "a", null] }), settings)).toEqual(["same"]);
  expect(compared(real, response(null, { headers: ["2", null, "b"] }), settings)).toEqual([
    "headers",
    "changed etag 1 2",
    "missing x-a a null",
    "extra x-b null b",
  ]);
});

it("another status says it all; of Weft's own answer nothing else is looked at", () => {
  const failed = response("oops", { status: 500, headers: ["b"] });
  const settings = { ...JSON_BODY, headers: ["x"] };
  expect(compared(response("{}", { headers: ["a"] }), failed, settings)).toEqual(["status"]);
  expect(compared(response("", { status: 500, isOwn: true }), failed, settings)).toEqual(["same"]);
});

it.each(["", "identity", "gzip", "x-gzip", "deflate", "br", "GZIP"])("coding %j against none", (encoding) => {
  const coders: Record<string, (text: string) => Uint8Array> = {
    gzip: gzipSync,
    "x-gzip": gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
  };
  const code = coders[encoding.toLowerCase()] ?? Buffer.from;
  expect(compared(response('{"a":1}'), response(code('{ "a": 1 }'), { encoding }))).toEqual(["same"]);
});

it("a coding that is not known, or does not hold what it says: the bytes as they came", () => {
  const odd = (body: string, encoding: string) => response(body, { encoding });
  expect(compared(odd("abc", "zstd, gzip"), odd("abc", "zstd, gzip"))).toEqual(["same"]);
  expect(compared(odd("abc", "gzip"), odd("abd", "gzip"))).toEqual(["body", "changed  3 bytes 3 bytes"]);
});

it("a body that was larger than its bound, or becomes ten times larger", () => {
  expect(compared(response(null), response("{}"))).toEqual(["too_large"]);
  const settings = { ...JSON_BODY, maxBodyBytes: 1_000 };
  const zeros = (length: number) => response(gzipSync(Buffer.alloc(length)), { encoding: "gzip" });
  expect(compared(zeros(10_001), zeros(10_002), settings)).toEqual(["too_large"]);
  expect(compared(zeros(10_000), zeros(10_000), settings)).toEqual(["same"]);
  const most = { ...JSON_BODY, maxBodyBytes: 1_048_576 };
  expect(compared(zeros(1_048_577), zeros(1_048_577), most)).toEqual(["too_large"]);
});
