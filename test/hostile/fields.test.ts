/** Field names and values that mean to be something else, through a real traffic loop (hostile.md 10, 11, 18, 24, 26, 28, 59). */
import type net from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningLoop, startLoopTo } from "../harness/loop.ts";
import { counting, exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";

let loop: RunningLoop;
let origin: RawOrigin;
let answer: (seen: string, socket: net.Socket, text: string) => void;

beforeAll(async () => {
  origin = await rawOrigin((...seen) => answer(...seen));
  loop = await startLoopTo(origin.port);
});
afterAll(async () => {
  await loop.close();
  await origin.close();
});

const H = "Host: web\r\nConnection: close\r\n";

/** What the upstream saw of a request with these bytes. */
async function seenOf(bytes: string): Promise<string> {
  answer = counting();
  const before = origin.received.length;
  expect(await exchangeBytes(loop.outboundPort, [bytes])).toMatch(/^HTTP\/1.1 200/);
  return origin.received.slice(before);
}

it("identity fields are removed in every spelling", async () => {
  const names = ["X-Weft-Attempt", "x_weft_attempt", "X_WEFT-Identity", "x-weft_", "X-Weft-"];
  const certs = ["X-Forwarded-Client-Cert", "x_forwarded_client_cert", "X-Forwarded_Client-Cert"];
  const fields = [...names, ...certs].map((name) => `${name}: forged\r\n`).join("");
  const seen = await seenOf(
    `GET / HTTP/1.1\r\n${H}${fields}x-weftless: mine\r\nx-forwarded-client-certs: mine\r\n\r\n`,
  );
  expect(seen).not.toContain("forged");
  expect(seen.match(/mine/g)).toHaveLength(2);
});

it("names of Object.prototype are plain data", async () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
  const fields = names.map((name) => `${name}: 1\r\n`).join("");
  const seen = await seenOf(
    `GET /?__proto__=1&constructor=2 HTTP/1.1\r\n${H}${fields}Cookie: __proto__=1\r\n\r\n`,
  );
  for (const name of names) expect(seen).toContain(`${name}: 1\r\n`);
});

it("a Host is the same in any case, with a dot behind and its port", async () => {
  for (const host of ["WEB", "Web.", "web:80", "web.default", "WEB.DEFAULT.SVC.CLUSTER.LOCAL.:80"]) {
    await seenOf(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  }
});

it("trailers that would mean something are dropped", async () => {
  const trailers =
    "Content-Length: 1\r\nHost: evil\r\nAuthorization: t\r\nX-Weft-Id: f\r\nx_forwarded_client_cert: f\r\nX-Forwarded-For: f\r\nMine: yes\r\n";
  answer = (seen, socket) => {
    if (seen.endsWith("\r\n\r\n") && seen.includes("\r\n0\r\n"))
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  const before = origin.received.length;
  const bytes = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers}\r\n`;
  expect(await exchangeBytes(loop.outboundPort, [bytes])).toMatch(/^HTTP\/1.1 200/);
  const body = origin.received.slice(before).split("\r\n\r\n").slice(1).join("\r\n\r\n");
  expect(body).toBe("1\r\na\r\n0\r\nMine: yes\r\n\r\n");
});

it("a trailer that would frame the message anew is refused", async () => {
  answer = () => {};
  const bytes = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTransfer-Encoding: x\r\n\r\n`;
  expect(await exchangeBytes(loop.outboundPort, [bytes])).toMatch(/^HTTP\/1.1 501/);
});

it("chunk extensions go nowhere, and cost next to nothing", async () => {
  answer = (seen, socket) => {
    if (seen.endsWith("0\r\n\r\n")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  const head = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`;
  const small = await exchangeBytes(loop.outboundPort, [`${head}1;e="q"\r\na\r\n0\r\n\r\n`]);
  expect(small).toMatch(/^HTTP\/1.1 200/);
  const before = process.cpuUsage();
  // A megabyte in which a byte of data comes with 16 KiB of extension.
  const padded = `1;${"q".repeat(16_384)}\r\na\r\n`.repeat(64);
  expect(await exchangeBytes(loop.outboundPort, [`${head}${padded}0\r\n\r\n`])).toMatch(
    /^HTTP\/1.1 (?:200|400|413)/,
  );
  const huge = await exchangeBytes(loop.outboundPort, [`${head}1;${"q".repeat(65_536)}\r\na\r\n0\r\n\r\n`]);
  expect(huge).toMatch(/^HTTP\/1.1 (?:200|400|413)/);
  const { user, system } = process.cpuUsage(before);
  expect(user + system).toBeLessThan(1_000_000);
  expect(origin.received).not.toContain("qqq");
});

it("an early answer to a body that goes on closes both connections, and its rest reaches nobody", async () => {
  const whole = counting();
  answer = (seen, socket, text) => {
    if (seen.includes("/early")) socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    else whole(seen, socket, text);
  };
  const part = "GET /stray HTTP/1.1\r\nHost: web\r\n\r\n".repeat(100);
  const early = await exchangeBytes(loop.outboundPort, [
    `POST /early HTTP/1.1\r\nHost: web\r\nContent-Length: ${1024 ** 3}\r\n\r\n`,
    ...Array.from({ length: 20 }, () => part),
  ]);
  expect(early).toMatch(/^HTTP\/1.1 413/);
  expect(early.match(/HTTP\/1.1/g)).toHaveLength(1);
  for (let i = 0; i < 20; i++) {
    const next = await exchangeBytes(loop.outboundPort, [`GET /next HTTP/1.1\r\n${H}\r\n`]);
    expect(next).toMatch(/^HTTP\/1.1 200/);
  }
});

it("20,000 names that nobody has, and as many paths, make no series of their own", {
  timeout: 60_000,
}, async () => {
  answer = counting();
  const announced = () =>
    loop.messages.reduce((sum, m) => (m.kind === "series" ? sum + m.series.length : sum), 0);
  const ask = async (count: number, make: (i: number) => string) => {
    for (let from = 0; from < count; from += 1_000) {
      const requests = Array.from({ length: 1_000 }, (_, i) => make(from + i)).join("");
      await exchangeBytes(loop.outboundPort, [`${requests}GET / HTTP/1.1\r\n${H}\r\n`]);
    }
  };
  await ask(1_000, (i) => `GET /p${i} HTTP/1.1\r\nHost: h${i}.example.com\r\n\r\n`);
  const before = announced();
  await ask(
    20_000,
    (i) =>
      `GET /x${i} HTTP/1.1\r\nHost: n${i}.example.com\r\n\r\nM${i} / HTTP/1.1\r\nHost: m${i}.example.com\r\n\r\n`,
  );
  expect(announced()).toBe(before);
});
