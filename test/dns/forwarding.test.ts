/** What becomes of names that the mesh does not have: the resolvers' answers, and no others. */
import dgram from "node:dgram";
import { once } from "node:events";
import { type Answer, encode } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Forwarder, TOTAL_MS } from "../../src/proxy/dns/forwarder.ts";
import { questionOf } from "../../src/proxy/dns/packet.ts";
import { type Resolver, Resolvers } from "../../src/proxy/dns/resolvers.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { freePort } from "../harness/free-ports.ts";
import { addresses, answerTo, Bench, questionBytes, read } from "./bench.ts";

const NAME = "www.example.com";
const GOOD = "192.0.2.1";
const BAD = "203.0.113.1";
const SERVFAIL = 0x82;
const NXDOMAIN = 0x83;

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

function record(data: string, name = NAME): Answer {
  return { type: "A", name, ttl: 77, data };
}

it("an answer is passed back as it came, with the client's id", async () => {
  const odd = { type: "TXT", name: NAME, ttl: 5, data: Buffer.from([0, 255, 1]) } as const;
  await bench.start(await bench.resolver((_question, message) => answerTo(message, [record(GOOD), odd])));
  const message = questionBytes(NAME);
  const answer = await bench.send(message);
  expect(answer?.equals(answerTo(message, [record(GOOD), odd]))).toBe(true);
});

it("each question has another id and comes from another port", async () => {
  const resolver = await bench.resolver((_question, message) => answerTo(message, []));
  await bench.start(resolver);
  for (let i = 0; i < 20; i++) await bench.ask(`n${i}.example.com`);
  // Two ports of the kernel's 28,000 may be the same by chance, of 20; more hardly ever.
  expect(new Set(resolver.seen.map(({ port }) => port)).size).toBeGreaterThanOrEqual(18);
  expect(new Set(resolver.seen.map(({ id }) => id)).size).toBeGreaterThanOrEqual(18);
});

describe("answers that are none", () => {
  const wrong: readonly (readonly [string, (message: Buffer) => Buffer])[] = [
    ["of another id", (message) => patched(answerTo(message, [record(BAD)]), 0, 1)],
    ["to another name", (message) => Buffer.from(answerTo(message, [record(BAD)])).fill("x", 13, 14)],
    ["of another kind", (message) => patched(answerTo(message, [record(BAD)]), 12 + NAME.length + 3, 27)],
    ["of another class", (message) => patched(answerTo(message, [record(BAD)]), 12 + NAME.length + 5, 2)],
    ["with two questions", (message) => patched(answerTo(message, [record(BAD)]), 5, 1)],
    [
      "without a question",
      (message) => encode({ type: "response", id: message.readUInt16BE(0), answers: [record(BAD)] }),
    ],
    ["that are questions", (message) => patched(answerTo(message, [record(BAD)]), 2, 0x80)],
    ["of 11 bytes", (message) => answerTo(message, []).subarray(0, 11)],
    ["of no bytes", () => Buffer.alloc(0)],
    ["cut off in the question", (message) => answerTo(message, []).subarray(0, 20)],
  ];

  it.each(wrong)("%s are passed over, and the next is taken", async (_what, make) => {
    await bench.start(
      await bench.resolver((_question, message, _by, send) => {
        send(make(message));
        return answerTo(message, [record(GOOD)]);
      }),
    );
    expect(addresses((await bench.ask(NAME))?.answers)).toEqual([GOOD]);
  });

  it("from another address or port never come in", async () => {
    const stranger = dgram.createSocket("udp4");
    stranger.bind(0, "127.0.0.2");
    await once(stranger, "listening");
    const resolver = await bench.resolver((_question, message, _by, send) => {
      const { port } = resolver.seen.at(-1) ?? { port: 0 };
      stranger.send(answerTo(message, [record(BAD)]), port, "127.0.0.1", () =>
        send(answerTo(message, [record(GOOD)])),
      );
      return null;
    });
    await bench.start(resolver);
    expect(addresses((await bench.ask(NAME))?.answers)).toEqual([GOOD]);
    stranger.close();
  });

  it("letters of the question may come back in another case", async () => {
    await bench.start(
      await bench.resolver(({ name }, message) => {
        const answer = answerTo(message, [record(GOOD)]);
        answer.write(name.toUpperCase().split(".")[0] ?? "", 13);
        return answer;
      }),
    );
    expect(addresses((await bench.ask(NAME))?.answers)).toEqual([GOOD]);
  });
});

describe("TCP", () => {
  it("a question by TCP is asked by TCP; one cut short by UDP is the client's to ask again", async () => {
    const many = Array.from({ length: 60 }, (_, i) => record(`192.0.2.${i}`));
    const resolver = await bench.resolver((_question, message, by) =>
      by === "tcp" ? answerTo(message, many) : answerTo(message, [], 0x280),
    );
    await bench.start(resolver);
    expect((await bench.ask(NAME))?.flag_tc).toBe(true);
    const client = bench.connect();
    const message = questionBytes(NAME);
    client.socket.write(Buffer.concat([Buffer.from([0, message.length]), message]));
    await expect.poll(() => client.answers.length).toBe(1);
    expect(client.answers[0]?.answers).toHaveLength(60);
    expect(resolver.asked).toEqual([`A ${NAME} udp`, `A ${NAME} tcp`]);
  });

  it("a resolver's answer by UDP that the client has no room for is cut short here", async () => {
    const many = Array.from({ length: 60 }, (_, i) => record(`192.0.2.${i}`));
    await bench.start(await bench.resolver((_question, message) => answerTo(message, many)));
    expect(await bench.ask(NAME)).toMatchObject({ flag_tc: true, answers: [] });
    expect((await bench.ask(NAME, "A", { edns: 4_096 }))?.answers).toHaveLength(60);
  });
});

describe("resolvers", () => {
  it.each([
    ["SERVFAIL", SERVFAIL],
    ["REFUSED", 0x85],
    ["NOTIMP", 0x84],
  ])("that say %s: the next is asked, and that one first from then on", async (_what, flags) => {
    const first = await bench.resolver((_question, message) => answerTo(message, [], flags));
    const second = await bench.resolver((_question, message) => answerTo(message, [record(GOOD)]));
    await bench.start(first, second);
    for (let i = 0; i < 3; i++) expect(addresses((await bench.ask(NAME))?.answers)).toEqual([GOOD]);
    expect([first.asked.length, second.asked.length]).toEqual([1, 3]);
  });

  it("that are not there: the next is asked at once", async () => {
    const second = await bench.resolver((_question, message) => answerTo(message, [record(GOOD)]));
    await bench.start({ address: "127.0.0.1", port: await freePort() }, second);
    const started = performance.now();
    expect(addresses((await bench.ask(NAME))?.answers)).toEqual([GOOD]);
    // One that says nothing would be waited for half of the time.
    expect(performance.now() - started).toBeLessThan(TOTAL_MS / 2);
  });

  it("none, or none that is there: a failure at once", async () => {
    await bench.start();
    expect((await bench.ask(NAME))?.rcode).toBe("SERVFAIL");
    await bench.close();
    await bench.start({ address: "127.0.0.1", port: await freePort() });
    expect((await bench.ask(NAME))?.rcode).toBe("SERVFAIL");
  });

  it.each([1, 2, 3])("%i that say nothing: 4 s for all of them together", async (count) => {
    let now = 0;
    const wheel = new TimerWheel(() => now);
    const silent = await Promise.all(Array.from({ length: count }, () => bench.resolver(() => null)));
    const forwarder = forwarderOf(silent, wheel);
    const message = questionBytes(NAME);
    let outcome = "";
    void forwarder.ask(message, questionOf(message) ?? message, false).then((result) => {
      outcome = result.kind === "none" ? result.reason : result.kind;
    });
    const tries = Math.max(2, count);
    for (let i = 0; i < tries; i++) {
      await expect.poll(() => silent.flatMap(({ asked }) => asked).length).toBe(i + 1);
      now += TOTAL_MS / tries + 20;
      wheel.advance();
    }
    await expect.poll(() => outcome).toBe("timeout");
    expect(forwarder.underWay).toBe(0);
  });
});

it("what is not there is asked for once, and its time counts down", async () => {
  const soa: Answer = {
    ...{ type: "SOA", name: "example.com", ttl: 20 },
    data: { mname: "ns.example.com", rname: "host.example.com", minimum: 20 },
  };
  const resolver = await bench.resolver(({ type, name }, message) => {
    const { id } = read(message);
    return encode({ type: "response", id, flags: NXDOMAIN, questions: [{ type, name }], authorities: [soa] });
  });
  await bench.start(resolver);
  expect((await bench.ask(NAME))?.rcode).toBe("NXDOMAIN");
  const again = await bench.ask("WWW.example.com");
  expect(again).toMatchObject({
    rcode: "NXDOMAIN",
    flag_aa: false,
    questions: [{ name: "WWW.example.com" }],
  });
  expect(again?.authorities).toMatchObject([{ type: "SOA", name: "example.com" }]);
  expect(resolver.asked).toHaveLength(1);
});

function patched(bytes: Buffer, at: number, change: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ change, at);
  return bytes;
}

function forwarderOf(fixed: readonly Resolver[], wheel: TimerWheel): Forwarder {
  const counts = { tries: new Map<string, number>(), took() {} };
  const resolvers = new Resolvers({ fixed, isOwn: () => false, now: () => wheel.now() });
  return new Forwarder({ resolvers, wheel, counts, warn: (message) => expect.fail(message) });
}
