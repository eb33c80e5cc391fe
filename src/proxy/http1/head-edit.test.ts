import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestHead, responseHead } from "../../../test/harness/head.ts";
import { runs } from "../../../test/harness/runs.ts";
import type { HeaderModifier, UrlRewrite } from "../../discovery/route.ts";
import type { HeadEdit } from "../http/edit.ts";
import type { Head } from "../http/head.ts";
import { compileEdit } from "../routing/rewrite.ts";
import {
  editedBytes,
  TRANSFER_ENCODING_BIT,
  UPGRADE_BIT,
  WEFT_OWN_BIT,
  writeRequestHead,
  writeResponseHead,
} from "./head-edit.ts";

function request(head: Head, edit: HeadEdit | null = null, keep = 0): string[] {
  const out = Buffer.alloc(editedBytes(head, edit) + 10, 1);
  const to = writeRequestHead(out, 5, head, edit, keep);
  expect(to).toBeLessThanOrEqual(out.length - 5);
  return out.toString("latin1", 5, to).split("\r\n").slice(0, -1);
}

function response(head: Head, edit: HeadEdit | null = null, drop = 0): string[] {
  const out = Buffer.alloc(editedBytes(head, edit) + 10, 1);
  return out
    .toString("latin1", 0, writeResponseHead(out, 0, head, edit, drop))
    .split("\r\n")
    .slice(0, -1);
}

const GET = "GET /a?b HTTP/1.1";
const HOST = "Host: Shop";

describe("request heads", () => {
  it("pass byte for byte: case, order, spaces, bytes over 127, repeated names", () => {
    const lines = [
      HOST,
      "x-B:1",
      "X-a:  two\t words ",
      "x-b: \xe9\xff",
      "Cookie: a=b",
      "__proto__: x",
      "x-B: 1",
    ];
    expect(request(requestHead(GET, ...lines))).toEqual([GET, ...lines]);
  });

  it.each([
    "Connection: keep-alive",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "Proxy-Authorization: Basic eA==",
    "Proxy-Authenticate: Basic",
    "TE: trailers",
    "Upgrade: h2c",
    "HTTP2-Settings: AAA",
    "X-Forwarded-Client-Cert: By=spiffe://forged",
    "x-weft-attempt: 1",
    "X-WEFT-ANYTHING: 1",
  ])("%s stops here, wherever it stands", (line) => {
    for (const lines of [
      [line, HOST, "A: 1"],
      [HOST, line, "A: 1"],
      [HOST, "A: 1", line],
      [HOST, line, "A: 1", line],
    ])
      expect(request(requestHead(GET, ...lines))).toEqual([GET, HOST, "A: 1"]);
  });

  it("what Connection names stops, but for what frames, routes or says who is calling (hostile #25)", () => {
    const kept = [
      HOST,
      "Content-Type: a",
      "Content-Length: 0",
      "Authorization: x",
      "Cookie: a",
      "X-Request-Id: 1",
      "X-Forwarded-For: 1",
      "traceparent: 00-1",
      "tracestate: a",
    ];
    const names = [...kept, "X-Gone: 1", "y-gone: 2"].map((line) => line.split(":")[0]);
    const connection = [`Connection: close, ${names.join(" ,\t")}`, "connection: ,,keep-alive"];
    expect(request(requestHead(GET, ...connection, ...kept, "X-Gone: 1", "Y-Gone: 2", "Z: 3"))).toEqual([
      GET,
      ...kept,
      "Z: 3",
    ]);
  });

  it("an upgrade passes where it is wanted, whatever else Connection names", () => {
    const head = requestHead(GET, HOST, "Connection: Upgrade, X-Gone", "Upgrade: websocket", "X-Gone: 1");
    expect(request(head, null, UPGRADE_BIT)).toEqual([GET, HOST, "Upgrade: websocket"]);
    expect(request(head)).toEqual([GET, HOST]);
  });

  it.each([
    ["GET http://Other:81/x?y HTTP/1.1", "GET /x?y HTTP/1.1", "host: Other:81"],
    ["GET http://Other HTTP/1.1", "GET / HTTP/1.1", "host: Other"],
    ["OPTIONS http://Other HTTP/1.1", "OPTIONS * HTTP/1.1", "host: Other"],
    ["OPTIONS http://Other/ HTTP/1.1", "OPTIONS / HTTP/1.1", "host: Other"],
  ])("%s goes on in origin-form, with the target's authority as Host", (line, expected, host) => {
    expect(request(requestHead(line, HOST, "A: 1"))).toEqual([expected, host, "A: 1"]);
  });

  it("HTTP/1.0 goes on as HTTP/1.1, with a Host", () => {
    expect(request(requestHead("GET / HTTP/1.0", "A: 1"))).toEqual([
      "GET / HTTP/1.1",
      "host: localhost",
      "A: 1",
    ]);
    expect(request(requestHead("GET / HTTP/1.0", HOST))).toEqual(["GET / HTTP/1.1", HOST]);
  });

  it("a rewrite changes path and Host, and nothing else", () => {
    const path = { kind: "replacePrefixMatch", value: "/x" } as const;
    const edit = compileEdit([], { hostname: "inner.example", path }, "/a");
    expect(request(requestHead("GET /a/c?b HTTP/1.1", "A: 1", HOST, "B: 2"), edit)).toEqual([
      "GET /x/c?b HTTP/1.1",
      "host: inner.example",
      "A: 1",
      "B: 2",
    ]);
  });

  it("no edit takes the framing away", () => {
    const edit = compileEdit([{ remove: ["transfer-encoding"] }], undefined, "/");
    const lines = [HOST, "Transfer-Encoding: chunked"];
    expect(request(requestHead("POST / HTTP/1.1", ...lines), edit)).toEqual(["POST / HTTP/1.1", ...lines]);
  });
});

describe("response heads", () => {
  const OK = "HTTP/1.1 200 OK";

  it("pass byte for byte, without what was for this connection", () => {
    const lines = [
      "content-length: 3",
      "X-a:  b ",
      "Set-Cookie: a",
      "set-cookie: b",
      "x-weft-error: of the next hop",
    ];
    const hop = [
      "Connection: close, X-Gone",
      "Keep-Alive: timeout=5",
      "X-Gone: 1",
      "Proxy-Authenticate: x",
      "Upgrade: h2",
    ];
    expect(response(responseHead(OK, ...hop, ...lines))).toEqual([OK, ...lines]);
    expect(response(responseHead(OK, ...lines, ...hop), null, WEFT_OWN_BIT)).toEqual([
      OK,
      ...lines.slice(0, -1),
    ]);
  });

  it("HTTP/1.0 goes on as HTTP/1.1; reason phrases stay", () => {
    expect(response(responseHead("HTTP/1.0 404 N\xf6 way", "A: 1"))).toEqual([
      "HTTP/1.1 404 N\xf6 way",
      "A: 1",
    ]);
    expect(response(responseHead("HTTP/1.1 200", "A: 1"))).toEqual(["HTTP/1.1 200", "A: 1"]);
  });

  it.each([
    [100, []],
    [103, []],
    [204, []],
    [200, ["Content-Length: 0"]],
    [205, ["Content-Length: 0"]],
    [304, ["Content-Length: 0"]],
  ])("of a %d, these remain of a length: %j", (status, lines) => {
    const line = `HTTP/1.1 ${status} X`;
    expect(response(responseHead(line, "Content-Length: 0"))).toEqual([line, ...lines]);
  });

  it.each([
    [101, true],
    [426, true],
    [200, false],
    [204, false],
  ])("of a %d, Upgrade passes: %s", (status, passes) => {
    const line = `HTTP/1.1 ${status} X`;
    const head = responseHead(line, "Connection: Upgrade, X-A", "Upgrade: websocket", "X-A: 1");
    expect(response(head)).toEqual(passes ? [line, "Upgrade: websocket"] : [line]);
  });

  it("the framing is dropped where the caller has taken it off", () => {
    expect(
      response(responseHead(OK, "Transfer-Encoding: chunked", "A: 1"), null, TRANSFER_ENCODING_BIT),
    ).toEqual([OK, "A: 1"]);
  });
});

const name = fc.stringMatching(/^[xyz]-[A-Ca-c]{1,2}$/);
const text = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,6}[!-~\x80-\xff])?)?$/);
const pair = fc.record({ name, value: text });
const modifier: fc.Arbitrary<HeaderModifier> = fc.record(
  {
    set: fc.uniqueArray(pair, { maxLength: 3, selector: (value) => value.name.toLowerCase() }),
    add: fc.array(pair, { maxLength: 3 }),
    remove: fc.array(name, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

/** The Gateway API's words, over a list: remove and set take away, set and add put at the end; one modifier after the other. */
function applied(fields: readonly string[], modifiers: readonly HeaderModifier[]): string[] {
  let came = [...fields];
  let added: string[] = [];
  const nameOf = (line: string) => line.slice(0, line.indexOf(":")).toLowerCase();
  for (const { set = [], add = [], remove = [] } of modifiers) {
    const gone = [...remove, ...set.map((value) => value.name)].map((each) => each.toLowerCase());
    came = came.filter((line) => !gone.includes(nameOf(line)));
    added = added.filter((line) => !gone.includes(nameOf(line)));
    added.push(...[...set, ...add].map((value) => `${value.name}: ${value.value}`));
  }
  return [...came, ...added];
}

describe("any edit of any head", () => {
  const fields = fc.array(
    fc
      .tuple(name, fc.constantFrom(":", ": ", ":\t "), text, fc.constantFrom("", " "))
      .map((parts) => parts.join("")),
    { maxLength: 8 },
  );

  it("keeps every other line byte for byte, in order, and ends no line early", () => {
    fc.assert(
      fc.property(fields, fc.array(modifier, { maxLength: 2 }), (fields, modifiers) => {
        const edit = compileEdit(modifiers, undefined, "/");
        expect(request(requestHead(GET, HOST, ...fields), edit)).toEqual([
          GET,
          HOST,
          ...applied(fields, modifiers),
        ]);
        const ok = "HTTP/1.1 200 OK";
        expect(response(responseHead(ok, ...fields), edit)).toEqual([ok, ...applied(fields, modifiers)]);
      }),
      runs(1_000),
    );
  });

  it("with hostile text in the edit: refused where it is configured, or still one line each", () => {
    const wild = fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom("\r\n", "\u010a", "ok", "fine", "x"),
    );
    const rewrite: fc.Arbitrary<UrlRewrite> = fc.record(
      {
        hostname: wild,
        path: fc.record({
          kind: fc.constantFrom("replaceFullPath" as const, "replacePrefixMatch" as const),
          value: wild.map((value) => `/${value}`),
        }),
      },
      { requiredKeys: [] },
    );
    const wildPair = fc.record({ name: fc.oneof(name, wild), value: wild });
    let compiledEdits = 0;
    fc.assert(
      fc.property(fc.array(wildPair, { maxLength: 2 }), rewrite, (add, rewrite) => {
        let edit: HeadEdit | null;
        try {
          edit = compileEdit([{ add }], rewrite, "/");
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        compiledEdits++;
        const lines = request(requestHead(GET, HOST, "A: 1"), edit);
        expect(lines.length).toBe(3 + add.length);
        for (const line of lines) expect(line).not.toMatch(/[\0\r\n]/);
        expect(lines[0]).toMatch(/^GET \/[!-~]* HTTP\/1\.1$/);
      }),
      runs(2_000),
    );
    expect(compiledEdits).toBeGreaterThan(100);
  });
});

it("a head that has to wait says the same from its own copy of the bytes", () => {
  const bytes = Buffer.from(
    "GET http://Shop:8080/a?b HTTP/1.1\r\nHost: x\r\nA:  1 \r\nConnection: Upgrade, A\r\n\r\n",
    "latin1",
  );
  const text = bytes.toString("latin1").trimEnd().split("\r\n");
  const [line = "", ...lines] = text;
  const head = requestHead(line, ...lines);
  const view = () => [head.method(), head.path(), head.authority(), head.value(1), ...request(head)];
  const before = view();
  const shared = head.buf;
  head.detach();
  shared.fill(0);
  expect(view()).toEqual(before);
});
