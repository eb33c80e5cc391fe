/** Heads and edits at the limits that MeshConfig allows, and authorities that lead nowhere, over real sockets. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterAt, OUTBOUND, type RunningLoop, routeOf, startLoop } from "../harness/loop.ts";
import { exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";

const MIB = 1_048_576;
/** Control plane limits: 16 headers of 4,096 bytes to set, and as many to add, by the rule and by the backend. */
const MANY = Array.from({ length: 16 }, (_, i) => ({
  name: `x-much-${i}`,
  value: String(i % 10).repeat(4_096),
}));

let loop: RunningLoop;
let origin: RawOrigin;

beforeAll(async () => {
  const head = `HTTP/1.1 200 OK\r\nX-Big: ${"r".repeat(500_000)}\r\nContent-Length: 2\r\n\r\nok`;
  origin = await rawOrigin((seen, socket, text) => {
    if (seen.endsWith("end") || text.startsWith("GET")) socket.write(head);
  });
  loop = await startLoop();
  const limits = { ...OUTBOUND.limits, maxHeadBytes: MIB };
  const edit = { set: MANY, add: MANY };
  await loop.apply([
    { kind: "listener", resource: { ...OUTBOUND, limits, outboundPolicy: "ALLOW_ANY" } },
    ...clusterAt("shop", [origin.port]),
    ...routeOf(
      "shop",
      [{ rule: 0, source: "test" }],
      [
        {
          name: "edits",
          action: {
            kind: "forward",
            requestHeaders: edit,
            responseHeaders: edit,
            backends: [{ weight: 1, cluster: "shop.default:80", requestHeaders: { add: MANY } }],
          },
        },
      ],
    ),
  ]);
});

afterAll(async () => {
  await loop.close();
  await origin.close();
});

it("a head of nearly 1 MiB with a body behind it, and 190 KiB of edits, both ways, byte for byte", async () => {
  const filler = "h".repeat(MIB - 200);
  const head = `POST / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 60003\r\nX-Filler: ${filler}\r\n\r\n`;
  const body = `${"b".repeat(60_000)}end`;
  const answer = await exchangeBytes(loop.outboundPort, [head + body]);
  expect(
    origin.received.startsWith(
      `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 60003\r\nX-Filler: ${filler}\r\nx-much-0: 000`,
    ),
  ).toBe(true);
  expect(origin.received.endsWith(`\r\n\r\n${body}`)).toBe(true);
  expect(origin.received.split("x-much-15: 5").length - 1).toBe(3);
  expect(
    answer.startsWith(`HTTP/1.1 200 OK\r\nX-Big: ${"r".repeat(500_000)}\r\nContent-Length: 2\r\nx-much-0: `),
  ).toBe(true);
  expect(answer.split("x-much-15: 5").length - 1).toBe(2);
  expect(answer.endsWith("\r\n\r\nok")).toBe(true);
});

describe("authorities that lead nowhere, under ALLOW_ANY", () => {
  const own = () => loop.outboundPort;

  it.each([
    ["no Host in HTTP/1.0", () => "GET / HTTP/1.0\r\n\r\n", 400],
    ["the root of the DNS", () => `GET / HTTP/1.1\r\nHost: .:${own()}\r\n\r\n`, 400],
    [
      "a short form of an address",
      () => `GET / HTTP/1.1\r\nHost: 127.1:${own()}\r\nConnection: close\r\n\r\n`,
      502,
    ],
    [
      "an address in hexadecimal",
      () => `GET / HTTP/1.1\r\nHost: 0x7f000001:${own()}\r\nConnection: close\r\n\r\n`,
      502,
    ],
    [
      "an address as one number",
      () => `GET / HTTP/1.1\r\nHost: 2130706433:${own()}\r\nConnection: close\r\n\r\n`,
      502,
    ],
    ["a port of this sidecar", () => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${own()}\r\n\r\n`, 508],
    ["the same, by IPv6", () => `GET / HTTP/1.1\r\nHost: [::1]:${own()}\r\n\r\n`, 508],
  ])("%s: refused", async (_name, bytes, status) => {
    // These could be Services of two labels: the control plane is asked first.
    const asked = status === 502 ? loop.next("subscribe") : undefined;
    const answer = exchangeBytes(loop.outboundPort, [bytes()]);
    const name = (await asked)?.routes[0];
    if (name !== undefined) await loop.apply([{ kind: "route-removed", name }]);
    expect(await answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

it("an upgrade that also offers h2c is answered as HTTP/1.1, and nothing of it reaches the upstream", async () => {
  const before = origin.received.length;
  const fields = "Connection: Upgrade, close\r\nUpgrade: websocket\r\nUpgrade: foo, h2c\r\n";
  const answer = await exchangeBytes(loop.outboundPort, [`GET / HTTP/1.1\r\nHost: shop\r\n${fields}\r\n`]);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(origin.received.slice(before)).not.toMatch(/upgrade|h2c/i);
});
