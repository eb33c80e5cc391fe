/** Shares of traffic through a real traffic loop and real sockets: 100,000 requests each, judged by chi-square at p > 0.001. */
import net from "node:net";
import { setFlagsFromString } from "node:v8";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoadBalancerPolicy } from "../../src/discovery/messages.ts";
import type { WeightedBackend } from "../../src/discovery/route.ts";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { REQUEST_BLOCK } from "../../src/proxy/telemetry/slots.ts";
import { chiSquareP } from "../harness/chi-square.ts";
import { clusterAt, OUTBOUND, type RunningLoop, routeOf, startLoop } from "../harness/loop.ts";

// The loop draws from Math.random of its own thread. A fixed seed makes the same draws each time: a fair split is no matter of luck.
setFlagsFromString("--random-seed=20261121");

const REQUESTS = 100_000;
const CONNECTIONS = 16;
/** Sent in one write; the sidecar reads and answers them one after the other. */
const PIPELINED = 50;
const NAMES = ["v1", "v2", "v3", "v4"] as const;

let loop: RunningLoop;
const origins: net.Server[] = [];

/** Answers each head with its own name, as cheaply as Node can. */
function origin(name: string): Promise<number> {
  const answer = Buffer.from(`HTTP/1.1 200 OK\r\nX-From: ${name}\r\nContent-Length: 0\r\n\r\n`);
  const server = net.createServer({ noDelay: true }, (socket) => {
    // A read ends with a head: upstream connections carry one request at a time.
    socket.on("data", () => socket.write(answer));
    socket.on("error", () => {});
  });
  origins.push(server);
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    }),
  );
}

beforeAll(async () => {
  loop = await startLoop();
  const clusters: Change[] = [];
  for (const name of NAMES) clusters.push(...clusterAt(name, [await origin(name)]));
  await loop.apply([{ kind: "listener", resource: OUTBOUND }, ...clusters]);
});

afterAll(async () => {
  await loop.close();
  for (const server of origins) server.close();
});

/** Sends `count` requests and counts answers by `X-From`, or else by status. */
async function count(total: number, host = "shop"): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const share = total / CONNECTIONS;
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const client = () =>
    new Promise<void>((resolve, reject) => {
      const socket = net.connect({ port: loop.outboundPort, host: "127.0.0.1", noDelay: true });
      let sent = 0;
      let received = 0;
      let rest = "";
      const send = () => {
        const next = Math.min(PIPELINED, share - sent);
        sent += next;
        socket.write(request.repeat(next));
      };
      socket.on("connect", send);
      socket.on("error", reject);
      socket.on("close", () => reject(new Error(`closed after ${received} of ${share} answers`)));
      socket.on("data", (chunk) => {
        const heads = (rest + chunk.toString("latin1")).split("HTTP/1.1 ");
        // The last may be cut, and is only counted once the next has begun or all are there.
        rest = "";
        const last = heads.pop() ?? "";
        if (isWhole(last)) heads.push(last);
        else rest = `HTTP/1.1 ${last}`;
        for (const head of heads) {
          if (head === "") continue;
          const from = /X-From: (\w+)/.exec(head)?.[1] ?? head.slice(0, 3);
          counts.set(from, (counts.get(from) ?? 0) + 1);
          received++;
        }
        if (received === share) {
          socket.removeAllListeners("close");
          socket.end();
          resolve();
        } else if (received === sent) send();
      });
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return counts;
}

/** A head and as much body as it says. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  return end >= 0 && text.length >= end + 4 + Number(length ?? 0);
}

const to = (name: string, weight: number): WeightedBackend => ({ weight, cluster: `${name}.default:80` });

async function split(backends: readonly WeightedBackend[]): Promise<void> {
  await loop.apply(
    routeOf(
      "shop",
      [{ rule: 0, source: "test" }],
      [{ name: "split", action: { kind: "forward", backends } }],
    ),
  );
}

describe("weights over 100,000 requests", { timeout: 60_000 }, () => {
  it("90 to 10, with a third that is off", async () => {
    await split([to("v1", 90), to("v2", 10), to("v3", 0)]);
    const counts = await count(REQUESTS);
    const shares = NAMES.slice(0, 3).map((name) => counts.get(name) ?? 0);
    expect(shares.reduce((sum, share) => sum + share)).toBe(REQUESTS);
    expect(shares[2]).toBe(0);
    expect(chiSquareP(shares, [90, 10, 0])).toBeGreaterThan(0.001);
  });
});

it("1,000 changes of weights under load lose no request", async () => {
  await split([to("v1", 1)]);
  let isDone = false;
  const load = async () => {
    const keys = new Set<string>();
    let total = 0;
    while (!isDone) {
      for (const [key, share] of await count(1_600)) {
        keys.add(key);
        total += share;
      }
      total -= 1_600;
    }
    return { keys: [...keys].toSorted(), surplus: total };
  };
  const running = load();
  for (let i = 0; i < 1_000; i++) await split([to("v1", i % 101), to("v2", 100 - (i % 101))]);
  isDone = true;
  expect(await running).toEqual({ keys: ["v1", "v2"], surplus: 0 });
});

describe("shares of what is not there", () => {
  it("a reference that dangles gets its share as 500, and nobody else's", async () => {
    await split([to("v1", 3), { weight: 1, reason: "no Service default/gone" }]);
    const counts = await count(16_000);
    expect([...counts.keys()].toSorted()).toEqual(["500", "v1"]);
    expect(chiSquareP([counts.get("v1") ?? 0, counts.get("500") ?? 0], [3, 1])).toBeGreaterThan(0.001);
  });

  it("a dangling reference of weight 0 harms nobody", async () => {
    await split([to("v1", 1), { weight: 0, reason: "no Service default/gone" }]);
    expect(await count(1_600)).toEqual(new Map([["v1", 1_600]]));
  });

  it("all weights zero: 503", async () => {
    await split([to("v1", 0), to("v2", 0)]);
    expect(await count(1_600)).toEqual(new Map([["503", 1_600]]));
  });
});

describe("endpoints of one cluster", () => {
  it.each<LoadBalancerPolicy>(["leastRequest", "roundRobin", "random"])(
    "%s keeps endpoint weights",
    async (policy) => {
      const cluster = `${policy.toLowerCase()}.default:80`;
      const service = { name: policy.toLowerCase(), namespace: "default" };
      const endpoints = NAMES.map((name, i) => {
        const [, found] = clusterAt(name, [portOf(i)]);
        if (found?.kind !== "endpoints" || found.endpoints[0] === undefined) throw new Error("no endpoint");
        return { ...found.endpoints[0], weight: i + 1 };
      });
      const [first] = clusterAt(service.name, []);
      if (first?.kind !== "cluster") throw new Error("no cluster");
      await loop.apply([
        { kind: "cluster", resource: { ...first.resource, loadBalancer: policy } },
        { kind: "endpoints", name: cluster, endpoints, complete: true },
        ...routeOf(
          service.name,
          [{ rule: 0, source: "test" }],
          [{ name: "all", action: { kind: "forward", backends: [{ weight: 1, cluster }] } }],
        ),
      ]);
      const counts = await count(20_000, service.name);
      const shares = NAMES.map((name) => counts.get(name) ?? 0);
      // Sixteen requests are always in flight, which binds the choices of leastRequest: only `random` is a pure draw.
      if (policy === "random") expect(chiSquareP(shares, [1, 2, 3, 4])).toBeGreaterThan(0.001);
      for (const [i, share] of shares.entries()) expect(share / 2_000).toBeCloseTo(i + 1, 0);
      // The loop counts on its own thread, which may be a moment behind the answer.
      const labels = { response_code: "200", destination_service_name: service.name };
      await expect.poll(() => loop.read("requests", labels, REQUEST_BLOCK.count)).toBe(20_000);
    },
  );
});

function portOf(index: number): number {
  const address = origins[index]?.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
