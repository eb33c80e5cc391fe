/**
 * Whatever clients and servers do around the moment in which a silent connection turns out to be HTTP, or not: when they have gone nothing
 * is left of it, and everything was counted once.
 */
import http from "node:http";
import net from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SILENCE_MS } from "../../src/proxy/http/looks-like-request.ts";
import { LATENCY_BLOCK } from "../../src/proxy/telemetry/slots.ts";
import { InterceptedSide, listen } from "../harness/intercepted-outbound.ts";
import { runs } from "../harness/runs.ts";

/** Longer than any deadline of a connection. */
const LONG_MS = 4_000_000;
const BODY = "b".repeat(100_000);
const TEXTS = [
  "GET / HTTP/1.1\r\nhost: web\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: web\r\n\r\n".repeat(2),
  "GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
  `POST / HTTP/1.1\r\nhost: web\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  "GET / HTTP/1.1\r\n wrong\r\n\r\n",
  "GE",
  "HELO\r\n",
];

type Step =
  | { readonly kind: "wait" | "turn" }
  | { readonly kind: "say"; readonly at: number; readonly text: string; readonly split: number }
  | { readonly kind: "client" | "server"; readonly at: number; readonly act: "end" | "reset" | "leave" }
  | { readonly kind: "greet"; readonly at: number }
  | { readonly kind: "lead"; readonly to: "web" | "raw" };

const at = fc.nat(3);
const act = fc.constantFrom("end" as const, "reset" as const, "leave" as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: "wait" }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "turn" }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("say" as const),
      at,
      text: fc.constantFrom(...TEXTS),
      split: fc.nat(40),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("client" as const, "server" as const), at, act }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("greet" as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("lead" as const),
      to: fc.constantFrom("web" as const, "raw" as const),
    }),
  },
);

const closers: (() => void)[] = [];
let side: InterceptedSide;
/** What raw servers have of connections, the oldest first. */
let accepted: net.Socket[];
let ports: Readonly<Record<"web" | "raw", number>>;

beforeEach(async () => {
  accepted = [];
  side = await InterceptedSide.start();
  const web = await listen(http.createServer((_request, response) => response.end(BODY)));
  const raw = await listen(
    net.createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket.on("error", () => {}).resume());
    }),
  );
  closers.push(() => side.close(), web.close, raw.close);
  ports = { web: web.port, raw: raw.port };
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

function connect(): Promise<net.Socket> {
  const socket = net.connect({ port: side.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {}).resume();
  return new Promise((resolve) => socket.once("connect", () => resolve(socket)));
}

function perform(how: "end" | "reset" | "leave", socket: net.Socket | undefined): void {
  if (how === "end") socket?.end();
  else if (how === "reset") socket?.resetAndDestroy();
  else socket?.destroy();
}

async function take(one: Step, clients: readonly net.Socket[]): Promise<void> {
  switch (one.kind) {
    case "wait":
      await side.pass(SILENCE_MS);
      return;
    case "turn":
      for (let i = 0; i < 5; i++) await turn();
      return;
    case "say":
      clients[one.at % clients.length]?.write(one.text.slice(0, one.split));
      await turn();
      clients[one.at % clients.length]?.write(one.text.slice(one.split));
      return;
    case "client":
      perform(one.act, clients[one.at % clients.length]);
      return;
    case "server":
      perform(one.act, accepted[one.at]);
      return;
    case "greet":
      accepted[one.at]?.write("220 hello\r\n");
      return;
    case "lead":
      side.lead("one", ports[one.to]);
  }
}

it("nothing is left, and all is counted once", async () => {
  const property = fc.asyncProperty(fc.nat(2), fc.array(step, { maxLength: 12 }), async (more, steps) => {
    side.lead("one", ports.raw);
    const clients = await Promise.all(Array.from({ length: 1 + more }, connect));
    for (const one of steps) await take(one, clients);
    for (const socket of clients) socket.destroy();
    await expect
      .poll(
        async () => {
          await side.pass(LONG_MS);
          // Servers end when their client has, and not before.
          for (const socket of accepted) if (socket.readableEnded) socket.end();
          return [side.connections, accepted.filter(({ closed }) => !closed).length];
        },
        { interval: 1 },
      )
      .toEqual([[], 0]);
    accepted = [];
    const cluster = side.outbound.clusters.get("one.default:80");
    expect([cluster?.active, cluster?.endpoints.map(({ active }) => active)]).toEqual([0, [0]]);
    expect(side.count("destination", LATENCY_BLOCK.active)).toBe(0);
    expect(side.count("weft_downstream_connections_active")).toBe(0);
    expect(side.count("tcp_connections_closed_total")).toBe(side.count("tcp_connections_opened_total"));
  });
  await fc.assert(property, runs(150));
  expect(side.count("tcp_connections_opened_total")).toBeGreaterThan(20);
  expect(side.count("requests")).toBeGreaterThan(20);
});
