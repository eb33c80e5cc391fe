/** Any bytes from clients and resolvers: answered well or not at all, never an exception, and never a name that was not asked for. */
import { type Answer, decode, encode } from "dns-packet";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { HostResource } from "../../src/discovery/host.ts";
import { isAnswer } from "../../src/proxy/dns/exchange.ts";
import { Forwarder } from "../../src/proxy/dns/forwarder.ts";
import { Handler } from "../../src/proxy/dns/handler.ts";
import { NegativeCache } from "../../src/proxy/dns/negative-cache.ts";
import { questionOf, readQuery } from "../../src/proxy/dns/packet.ts";
import { Resolvers } from "../../src/proxy/dns/resolvers.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Hosts } from "../../src/proxy/snapshot/hosts.ts";
import { below, oneOf, seededRandom } from "../harness/random.ts";
import { runs } from "../harness/runs.ts";
import { Bench, questionBytes } from "./bench.ts";

/** What packets are made wrong by: pointers, long labels, counts, types. */
const NASTY: readonly (readonly number[])[] = [
  [0xc0, 0x0c],
  [0xc0, 0x00],
  [0xff, 0xff],
  [0x3f],
  [0x40],
  [0x80],
  [0x00],
  [0x2e],
  [0x00, 0x29],
  [0x00, 0x01],
  [0x00, 0xfc],
  [0x7f, 0xff, 0xff, 0xff],
];

const SEEDS: readonly Buffer[] = [
  questionBytes("shop"),
  questionBytes("shop.default.svc.cluster.local", "AAAA"),
  questionBytes("_http._tcp.shop", "SRV", 1_232),
  questionBytes("3.2.1.240.in-addr.arpa", "PTR"),
  questionBytes("www.example.com", "TXT", 4_096),
  questionBytes("alias"),
];

function mutated(seed: number, from: Buffer): Buffer {
  const random = seededRandom(seed);
  let bytes = Buffer.from(from);
  for (let i = below(random, 4); i >= 0; i--) {
    const at = below(random, bytes.length + 1);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    const nasty = Buffer.from(oneOf(random, NASTY));
    const kind = below(random, 5);
    if (kind === 0) bytes = Buffer.concat([head, nasty, tail]);
    else if (kind === 1) bytes = Buffer.concat([head, nasty, tail.subarray(nasty.length)]);
    else if (kind === 2) bytes = Buffer.concat([head, tail.subarray(1 + below(random, 8))]);
    else if (kind === 3) bytes = Buffer.from(head);
    else if (tail.length > 0) tail.writeUInt8(below(random, 256));
  }
  return bytes;
}

const host = (name: string, more: Partial<HostResource>): HostResource => ({
  ...{
    name,
    service: { name: "shop", namespace: "default" },
    addresses: [],
    ports: [{ name: "http", port: 80 }],
  },
  ...more,
});
const KNOWN = [
  host("shop.default", { addresses: ["10.0.0.1", "fd00::1"] }),
  host("240.1.2.3", { addresses: ["240.1.2.3"] }),
  host("alias.default", { alias: "shop.default.svc.cluster.local" }),
];

/** Everything but sockets. */
function handlerOf(): Handler {
  const wheel = new TimerWheel();
  const hosts: Hosts = new Hosts({
    subscribe: (_type, names) => {
      const found = KNOWN.filter(({ name }) => names.includes(name));
      setImmediate(() =>
        hosts.receive({
          type: "host",
          resources: found.map((resource) => ({ name: resource.name, version: "1", resource })),
          removed: names.filter((name) => !KNOWN.some((known) => known.name === name)),
          ...{ nonce: "1", systemVersion: "1" },
        }),
      );
    },
    unsubscribe() {},
  });
  const resolvers = new Resolvers({ fixed: [], isOwn: () => false, now: () => 0 });
  const counts = { tries: new Map<string, number>(), took() {} };
  const forwarder = new Forwarder({ resolvers, wheel, counts, warn: (message) => expect.fail(message) });
  const zone = { namespace: "default", domain: "cluster.local", timeoutMs: 1_000, isConnected: true };
  const cache = new NegativeCache(() => 0);
  return new Handler({ hosts, forwarder, cache, wheel, zone: () => zone, count() {} });
}

it("questions made of good ones by a few changes", async () => {
  const handler = handlerOf();
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.nat(SEEDS.length - 1), fc.boolean(), async (seed, from, isTcp) => {
      await answersWell(handler, mutated(seed, SEEDS[from] ?? Buffer.alloc(0)), isTcp);
    }),
    runs(3_000),
  );
});

it("any bytes at all", async () => {
  const handler = handlerOf();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
      await answersWell(handler, Buffer.from(bytes), false);
    }),
    runs(500),
  );
});

async function answersWell(handler: Handler, bytes: Buffer, isTcp: boolean): Promise<void> {
  const answer = await handler.answer(bytes, isTcp);
  const reading = readQuery(bytes);
  if (answer === null) {
    expect(reading.kind).toBe("ignore");
    return;
  }
  const packet = decode(answer);
  expect([packet.id, packet.flag_qr]).toEqual([bytes.readUInt16BE(0), true]);
  if (reading.kind !== "query") return;
  expect(questionOf(answer)?.equals(reading.query.question)).toBe(true);
  if (!isTcp) expect(answer.length).toBeLessThanOrEqual(reading.query.edns?.size ?? 512);
}

const record: Answer = { type: "A", name: "www.example.com", ttl: 60, data: "192.0.2.1" };
const SOA: Answer = {
  ...{ type: "SOA", name: "example.com", ttl: 60 },
  data: { mname: "ns.example.com", rname: "host.example.com", minimum: 60 },
};

it("answers of resolvers, by UDP, to a client and to an alias of the mesh", async () => {
  const bench = new Bench();
  bench.knows("alias.default", { alias: "www.example.com" });
  let seed = 0;
  const resolver = await bench.resolver((question, message) => {
    const { id } = decode(message);
    const whole = encode({
      ...{ type: "response", id, flags: seed % 3 === 0 ? 0x83 : 0x80, questions: [question] },
      ...(seed % 3 === 0 ? { authorities: [SOA] } : { answers: [record, record] }),
    });
    // The head and the question stay, so that it is looked at.
    const kept = 12 + (questionOf(whole)?.length ?? 0);
    const tail = mutated(seed, whole.subarray(kept));
    const counts =
      seed % 2 === 0 ? whole.subarray(6, 12) : mutated(seed, whole.subarray(6, 12)).subarray(0, 6);
    return Buffer.concat([
      whole.subarray(0, 6),
      Buffer.concat([counts, Buffer.alloc(6)]).subarray(0, 6),
      whole.subarray(12, kept),
      tail,
    ]);
  });
  await bench.start(resolver);
  for (seed = 1; seed <= 400; seed++) {
    const message = questionBytes(seed % 4 === 0 ? "alias" : `n${seed}.example.com`);
    const answer = await bench.send(message);
    expect(answer && isAnswer(answer, message.readUInt16BE(0), message.subarray(12)), `seed ${seed}`).toBe(
      true,
    );
  }
  expect(bench.warnings).toEqual([]);
  await bench.close();
});
