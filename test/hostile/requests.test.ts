/** Malformed requests over real sockets, whole and split at every byte: the right status, closed, and nothing upstream. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningLoop, startLoopTo } from "../harness/loop.ts";
import { counting, exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";

let loop: RunningLoop;
let origin: RawOrigin;

beforeAll(async () => {
  origin = await rawOrigin(counting());
  loop = await startLoopTo(origin.port);
});

afterAll(async () => {
  await loop.close();
  await origin.close();
});

const H = "Host: web\r\n";
const MALFORMED: readonly (readonly [name: string, status: number, bytes: string])[] = [
  ["bare LF after the request line", 400, `GET / HTTP/1.1\n${H}\r\n`],
  ["bare LF after a field", 400, "GET / HTTP/1.1\r\nHost: web\nA: b\r\n\r\n"],
  ["bare CR in a value", 400, `GET / HTTP/1.1\r\n${H}A: b\rc\r\n\r\n`],
  ["obs-fold", 400, `GET / HTTP/1.1\r\n${H}A: b\r\n c\r\n\r\n`],
  ["space before the colon", 400, `GET / HTTP/1.1\r\n${H}Content-Length : 30\r\n\r\n`],
  ["no colon", 400, `GET / HTTP/1.1\r\n${H}nonsense\r\n\r\n`],
  ["empty field name", 400, `GET / HTTP/1.1\r\n${H}: b\r\n\r\n`],
  ["NUL in a value", 400, `GET / HTTP/1.1\r\n${H}A: b\x00c\r\n\r\n`],
  ["NUL in a name", 400, `GET / HTTP/1.1\r\n${H}A\x00: b\r\n\r\n`],
  ["byte over 127 in a name", 400, `GET / HTTP/1.1\r\n${H}A\x85: b\r\n\r\n`],
  ["leading space", 400, ` GET / HTTP/1.1\r\n${H}\r\n`],
  ["two spaces", 400, `GET  / HTTP/1.1\r\n${H}\r\n`],
  ["no version", 400, `GET /\r\n${H}\r\n`],
  ["lower-case version", 400, `GET / http/1.1\r\n${H}\r\n`],
  ["HTTP/1.2", 505, `GET / HTTP/1.2\r\n${H}\r\n`],
  ["HTTP/2.0", 505, `GET / HTTP/2.0\r\n${H}\r\n`],
  ["HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["TLS ClientHello", 400, "\x16\x03\x01\x02\x00\x01\x00"],
  ["no Host", 400, "GET / HTTP/1.1\r\n\r\n"],
  ["empty Host", 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"],
  ["two Hosts", 400, `GET / HTTP/1.1\r\n${H}${H}\r\n`],
  ["list of hosts", 400, "GET / HTTP/1.1\r\nHost: web, evil\r\n\r\n"],
  ["user in Host", 400, "GET / HTTP/1.1\r\nHost: u@web\r\n\r\n"],
  ["path in Host", 400, "GET / HTTP/1.1\r\nHost: web/x\r\n\r\n"],
  ["port over 65535", 400, "GET / HTTP/1.1\r\nHost: web:99999\r\n\r\n"],
  ["asterisk with GET", 400, `GET * HTTP/1.1\r\n${H}\r\n`],
  ["target without a slash", 400, `GET test HTTP/1.1\r\n${H}\r\n`],
  ["CONNECT with a path", 400, `CONNECT / HTTP/1.1\r\n${H}\r\n`],
  ["CONNECT without a port", 400, `CONNECT web HTTP/1.1\r\n${H}\r\n`],
  ["fragment", 400, `GET /a#b HTTP/1.1\r\n${H}\r\n`],
  ["backslash", 400, `GET \\admin HTTP/1.1\r\n${H}\r\n`],
  ["byte over 127 in the target", 400, `GET /\xc3\xa9 HTTP/1.1\r\n${H}\r\n`],
  ["CL and TE", 400, `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ["TE and CL", 400, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n`],
  ["empty TE with CL", 400, `POST / HTTP/1.1\r\n${H}Transfer-Encoding:\r\nContent-Length: 4\r\n\r\n`],
  ["TE ,chunked", 400, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: ,chunked\r\n\r\n`],
  ["TE chunked,", 400, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked,\r\n\r\n`],
  ["TE identity", 501, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: identity\r\n\r\n`],
  ["TE gzip, chunked", 501, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  ["TE chunked;q=1", 400, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked;q=1\r\n\r\n`],
  [
    "two TE fields",
    400,
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ],
  ["TE with vertical tab", 400, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: \x0bchunked\r\n\r\n`],
  ["TE with 0xa0", 400, `POST / HTTP/1.1\r\n${H}Transfer-Encoding: \xa0chunked\r\n\r\n`],
  ["TE with HTTP/1.0", 400, `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n`],
  ["two different CL", 400, `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 5\r\n\r\n`],
  ["two equal CL", 400, `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 4\r\n\r\n`],
  ["CL list", 400, `POST / HTTP/1.1\r\n${H}Content-Length: 5, 5\r\n\r\n`],
  ["CL +5", 400, `POST / HTTP/1.1\r\n${H}Content-Length: +5\r\n\r\n`],
  ["CL -1", 400, `POST / HTTP/1.1\r\n${H}Content-Length: -1\r\n\r\n`],
  ["CL 0x5", 400, `POST / HTTP/1.1\r\n${H}Content-Length: 0x5\r\n\r\n`],
  ["CL 1_0", 400, `POST / HTTP/1.1\r\n${H}Content-Length: 1_0\r\n\r\n`],
  ["CL empty", 400, `POST / HTTP/1.1\r\n${H}Content-Length:\r\n\r\n`],
  ["CL of 22 digits", 400, `POST / HTTP/1.1\r\n${H}Content-Length: 1000000000000000000000\r\n\r\n`],
  ["unknown expectation", 417, `POST / HTTP/1.1\r\n${H}Expect: y 100-continue\r\nContent-Length: 1\r\n\r\n`],
  ["method of 33 letters", 501, `${"A".repeat(33)} / HTTP/1.1\r\n${H}\r\n`],
];

describe("malformed requests", () => {
  for (const [name, status, bytes] of MALFORMED) {
    it(`${name}: ${status}`, async () => {
      const before = origin.received.length;
      const check = (answer: string) => {
        expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
        expect(answer).toMatch(/\r\nx-weft-error: DPE; /);
        expect(answer).toMatch(/\r\nconnection: close\r\n/);
      };
      check(await exchangeBytes(loop.outboundPort, [bytes]));
      const cuts = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
      for (const answer of await Promise.all(
        cuts.map((cut) => exchangeBytes(loop.outboundPort, [bytes.slice(0, cut), bytes.slice(cut)])),
      )) {
        check(answer);
      }
      expect(origin.received.length).toBe(before);
    });
  }

  it("target too long: 414", async () => {
    const answer = await exchangeBytes(loop.outboundPort, [
      `GET /${"a".repeat(70_000)} HTTP/1.1\r\n${H}\r\n`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 414 /);
  });

  it("fields too large or too many: 431; exactly at the limits: 200", async () => {
    const fields = (n: number) => Array.from({ length: n }, (_, i) => `X-${i}: 1\r\n`).join("");
    const close = "Connection: close\r\n";
    expect(
      await exchangeBytes(loop.outboundPort, [`GET / HTTP/1.1\r\n${H}A: ${"b".repeat(70_000)}\r\n\r\n`]),
    ).toMatch(/ 431 /);
    expect(await exchangeBytes(loop.outboundPort, [`GET / HTTP/1.1\r\n${H}${fields(100)}\r\n`])).toMatch(
      / 431 /,
    );
    expect(
      await exchangeBytes(loop.outboundPort, [`GET / HTTP/1.1\r\n${H}${close}${fields(98)}\r\n`]),
    ).toMatch(/ 200 /);
    const whole = `GET / HTTP/1.1\r\n${H}${close}A: \r\n\r\n`;
    const padded = (bytes: number) => whole.replace("A: ", `A: ${"b".repeat(bytes - whole.length)}`);
    expect(await exchangeBytes(loop.outboundPort, [padded(65_536)])).toMatch(/ 200 /);
    expect(await exchangeBytes(loop.outboundPort, [padded(65_537)])).toMatch(/ 431 /);
  });

  it("a malformed chunk aborts the upstream request instead of completing it", async () => {
    const bytes = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0x5\r\n`;
    const answer = await exchangeBytes(loop.outboundPort, [bytes]);
    expect(answer.length === 0 || /^HTTP\/1\.1 (400|200) /.test(answer)).toBe(true);
    expect(origin.received).not.toContain("0x5");
  });
});

describe("well-formed requests, split at every byte", () => {
  const GOOD = [
    `GET /a?b=c HTTP/1.1\r\n${H}Connection: close\r\n\r\n`,
    "GET http://web/a HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.0\r\nHost: web.default.svc.cluster.local:80\r\n\r\n",
    `\r\nGET / HTTP/1.1\r\n${H}connection:  Close \r\nX:\t\xe4 \r\n\r\n`,
    "OPTIONS * HTTP/1.1\r\nhOST: WEB.\r\nConnection: close\r\n\r\n",
  ];
  for (const bytes of GOOD) {
    it(JSON.stringify(bytes.slice(0, 40)), async () => {
      for (let cut = 0; cut < bytes.length; cut++) {
        const answer = await exchangeBytes(
          loop.outboundPort,
          [bytes.slice(0, cut), bytes.slice(cut)].filter((p) => p !== ""),
        );
        expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*ok$/);
      }
    });
  }

  it("pipelined requests are answered in order and each reaches the upstream once", async () => {
    const before = origin.received.split("GET /p").length;
    const bytes = Array.from(
      { length: 50 },
      (_, i) => `GET /p${i} HTTP/1.1\r\n${H}${i === 49 ? "Connection: close\r\n" : ""}\r\n`,
    ).join("");
    const answer = await exchangeBytes(loop.outboundPort, [bytes]);
    expect(answer.split("HTTP/1.1 200 OK").length - 1).toBe(50);
    expect(origin.received.split("GET /p").length - before).toBe(50);
  });

  it("hop-by-hop and forged fields stop here, the client's other fields keep order and case", async () => {
    const before = origin.received.length;
    await exchangeBytes(loop.outboundPort, [
      `GET /f HTTP/1.1\r\n${H}x-A: 1\r\nConnection: close, x-hop, authorization\r\nX-Hop: 1\r\nAuthorization: t\r\nKeep-Alive: 5\r\nX-Weft-Fake: 1\r\nX-Weft-Attempt: 7\r\nX_Weft_Attempt: 8\r\n` +
        "X-Forwarded-Client-Cert: fake\r\nProxy-Authorization: x\r\nTE: gzip\r\nx-b: 2\r\n__proto__: 3\r\n\r\n",
    ]);
    const seen = origin.received.slice(before);
    expect(seen).toMatch(
      /^GET \/f HTTP\/1\.1\r\nHost: web\r\nx-A: 1\r\nAuthorization: t\r\nx-b: 2\r\n__proto__: 3\r\nx-request-id: /,
    );
    expect(seen.replace("x-weft-attempt: 1\r\n", "")).not.toMatch(
      /x-hop|keep-alive|x.weft|client-cert|proxy-auth|^te:/im,
    );
  });
});
