/** What clients are answered about names of the mesh. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addresses, answerTo, Bench, questionBytes } from "./bench.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.knows("shop.default", { addresses: ["10.0.0.1", "fd00::1"], ports: [{ name: "http", port: 80 }] });
  bench.knows("free.default", { addresses: ["240.1.2.3"] });
  bench.knows("bare.default", {
    addresses: ["10.1.0.1", "10.1.0.2"],
    instances: [
      { name: "one", address: "10.1.0.1" },
      { name: "two", address: "10.1.0.2" },
    ],
    ports: [{ name: "http", port: 80 }],
  });
  bench.knows("240.1.2.3", { service: { name: "free", namespace: "default" }, addresses: ["240.1.2.3"] });
});
afterEach(() => bench.close());

it.each(["127.0.0.1", "::1"])("addresses of the kind that was asked for, for 30 s, by %s", async (host) => {
  await bench.start();
  expect(await bench.ask("shop.default.svc.cluster.local", "A", { host })).toMatchObject({
    ...{ rcode: "NOERROR", flag_aa: true, flag_ra: true, flag_rd: true },
    answers: [{ name: "shop.default.svc.cluster.local", type: "A", ttl: 30, data: "10.0.0.1" }],
  });
  expect((await bench.ask("Shop", "AAAA", { host }))?.answers).toMatchObject([
    { name: "Shop", type: "AAAA", data: "fd00::1" },
  ]);
  expect(addresses((await bench.ask("shop", "ANY", { host }))?.answers).toSorted()).toEqual([
    "10.0.0.1",
    "fd00::1",
  ]);
});

it.each(["AAAA", "MX", "TXT", "SRV"] as const)("no %s is said as such, and for how long", async (type) => {
  await bench.start();
  const answer = await bench.ask("free.default.svc.cluster.local", type);
  expect(answer).toMatchObject({
    ...{ rcode: "NOERROR", answers: [] },
    authorities: [{ type: "SOA", name: "cluster.local", ttl: 5, data: { minimum: 5 } }],
  });
});

it("a headless Service's instances, in an order that changes, and one of them by its name", async () => {
  await bench.start();
  const orders = new Set<string>();
  for (let i = 0; i < 40; i++) orders.add(addresses((await bench.ask("bare"))?.answers).join());
  expect([...orders].toSorted()).toEqual(["10.1.0.1,10.1.0.2", "10.1.0.2,10.1.0.1"]);
  expect(addresses((await bench.ask("two.bare.default.svc.cluster.local"))?.answers)).toEqual(["10.1.0.2"]);
});

it("where a named port is served, and at which addresses", async () => {
  await bench.start();
  expect(await bench.ask("_http._tcp.shop.default.svc.cluster.local", "SRV")).toMatchObject({
    answers: [{ type: "SRV", data: { port: 80, weight: 100, target: "shop.default.svc.cluster.local" } }],
    additionals: [
      { type: "A", name: "shop.default.svc.cluster.local", data: "10.0.0.1" },
      { type: "AAAA", data: "fd00::1" },
    ],
  });
  const targets = (await bench.ask("_http._tcp.bare", "SRV"))?.answers ?? [];
  expect(targets).toMatchObject([
    { data: { target: "one.bare.default.svc.cluster.local", weight: 50 } },
    { data: { target: "two.bare.default.svc.cluster.local" } },
  ]);
  expect((await bench.ask("_http._udp.shop", "SRV"))?.rcode).toBe("NXDOMAIN");
  expect((await bench.ask("_grpc._tcp.shop", "SRV"))?.rcode).toBe("NXDOMAIN");
  expect(await bench.ask("_http._tcp.shop", "A")).toMatchObject({ rcode: "NOERROR", answers: [] });
});

it("whose an automatic address is; nobody else could say", async () => {
  const resolver = await bench.resolver((_question, message) => answerTo(message, []));
  await bench.start(resolver);
  expect((await bench.ask("3.2.1.240.in-addr.arpa", "PTR"))?.answers).toMatchObject([
    { type: "PTR", data: "free.default.svc.cluster.local" },
  ]);
  expect((await bench.ask("4.2.1.240.in-addr.arpa", "PTR"))?.rcode).toBe("NXDOMAIN");
  await bench.ask("1.0.0.10.in-addr.arpa", "PTR");
  expect(resolver.asked).toEqual(["PTR 1.0.0.10.in-addr.arpa udp"]);
});

it("what a search list makes up is not there, and nobody is asked", async () => {
  const resolver = await bench.resolver((_question, message) => answerTo(message, []));
  await bench.start(resolver);
  const name = "shop.default.svc.cluster.local.default.svc.cluster.local";
  expect(await bench.ask(name)).toMatchObject({ rcode: "NXDOMAIN", authorities: [{ type: "SOA" }] });
  expect([resolver.asked, bench.subscribed]).toEqual([[], []]);
});

describe("a Service that is another name", () => {
  const plain = "outside.example";

  it.each([plain, `${plain}.`])("has what the resolvers say of that (%s), in one answer", async (alias) => {
    bench.knows("alias.default", { alias });
    const resolver = await bench.resolver(({ name }, message) =>
      answerTo(message, [
        { type: "CNAME", name, ttl: 60, data: "real.example" },
        { type: "A", name: "real.example", ttl: 60, data: "192.0.2.1" },
      ]),
    );
    await bench.start(resolver);
    expect((await bench.ask("alias"))?.answers).toMatchObject([
      { type: "CNAME", name: "alias", ttl: 30, data: plain },
      { type: "CNAME", name: plain, data: "real.example" },
      { type: "A", name: "real.example", data: "192.0.2.1" },
    ]);
  });

  it("may mean one of the mesh, but not itself", async () => {
    bench.knows("alias.default", { alias: "shop.default.svc.cluster.local" });
    bench.knows("round.default", { alias: "about.default.svc.cluster.local" });
    bench.knows("about.default", { alias: "round.default.svc.cluster.local" });
    await bench.start();
    expect(addresses((await bench.ask("alias"))?.answers)).toEqual([
      "shop.default.svc.cluster.local",
      "10.0.0.1",
    ]);
    expect((await bench.ask("round"))?.rcode).toBe("SERVFAIL");
  });

  it.each([
    ["NXDOMAIN", 0x83, "NXDOMAIN"],
    ["SERVFAIL", 0x82, "SERVFAIL"],
  ])("of which the resolvers say %s", async (_what, flags, rcode) => {
    bench.knows("alias.default", { alias: plain });
    await bench.start(await bench.resolver((_question, message) => answerTo(message, [], flags)));
    expect((await bench.ask("alias"))?.rcode).toBe(rcode);
  });
});

describe("the control plane", () => {
  it("is asked once, and not of names that can't be the mesh's", async () => {
    const resolver = await bench.resolver((_question, message) => answerTo(message, []));
    await bench.start(resolver);
    for (const name of ["shop", "shop.default", "www.example.com", "example.com", "example.com"])
      await bench.ask(name);
    expect(bench.subscribed).toEqual(["shop.default", "example.com"]);
    expect(resolver.asked).toHaveLength(3);
  });

  it("that says nothing of a name which may be of others is waited for as long as discovery may take", async () => {
    bench.isSilent = true;
    bench.zone = { ...bench.zone, timeoutMs: 50 };
    await bench.start(
      await bench.resolver(({ name }, message) =>
        answerTo(message, [{ type: "A", name, data: "192.0.2.1" }]),
      ),
    );
    expect(addresses((await bench.ask("example.com"))?.answers)).toEqual(["192.0.2.1"]);
  });

  it.each(["shop", "shop.default.svc", "one.bare.default.svc.cluster.local", "3.2.1.240.in-addr.arpa"])(
    "that is late with %s has nobody answer in its place: the client asks again",
    async (name) => {
      bench.isSilent = true;
      bench.zone = { ...bench.zone, timeoutMs: 50 };
      const resolver = await bench.resolver(({ name: asked }, message) =>
        answerTo(message, [{ type: "A", name: asked, ttl: 600, data: "192.0.2.1" }]),
      );
      await bench.start(resolver);
      const type = name.endsWith("arpa") ? "PTR" : "A";
      // The second one is not even waited for.
      for (let i = 0; i < 2; i++)
        expect(await bench.ask(name, type)).toMatchObject({ rcode: "SERVFAIL", answers: [] });
      bench.speak();
      expect((await bench.ask(name, type))?.answers).toHaveLength(1);
      expect(resolver.asked).toEqual([]);
    },
  );

  it("that says nothing for half a minute, as if it had files that it can't use, leaves names to the resolvers", async () => {
    bench.isSilent = true;
    bench.zone = { ...bench.zone, timeoutMs: 50 };
    await bench.start(
      await bench.resolver(({ name }, message) =>
        answerTo(message, [{ type: "A", name, data: "192.0.2.1" }]),
      ),
    );
    expect((await bench.ask("db"))?.rcode).toBe("SERVFAIL");
    bench.now += 29_999;
    expect((await bench.ask("db"))?.rcode).toBe("SERVFAIL");
    bench.now += 1;
    expect(addresses((await bench.ask("db"))?.answers)).toEqual(["192.0.2.1"]);
  });

  it("that is late with what an alias means has nobody answer in its place either", async () => {
    bench.knows("alias.default", { alias: "shop.default.svc.cluster.local" });
    bench.slow.add("shop.default");
    bench.zone = { ...bench.zone, timeoutMs: 50 };
    const resolver = await bench.resolver((_question, message) => answerTo(message, []));
    const proxy = await bench.start(resolver);
    expect((await bench.ask("alias"))?.rcode).toBe("SERVFAIL");
    expect(resolver.asked).toEqual([]);
    expect(proxy.counts.outcomes.get("failed")).toBe(1);
  });

  it("is not asked again for what an alias means if it has said that the mesh does not have it", async () => {
    bench.knows("alias.default", { alias: "example.com" });
    bench.zone = { ...bench.zone, timeoutMs: 60_000 };
    await bench.start(
      await bench.resolver(({ name }, message) =>
        answerTo(message, [{ type: "A", name, data: "192.0.2.1" }]),
      ),
    );
    for (let i = 0; i < 2; i++)
      expect(addresses((await bench.ask("alias"))?.answers)).toEqual(["example.com", "192.0.2.1"]);
  });

  it("that can't be reached is not waited for", async () => {
    bench.isSilent = true;
    bench.zone = { ...bench.zone, timeoutMs: 60_000, isConnected: false };
    const resolver = await bench.resolver((_question, message) => answerTo(message, []));
    await bench.start(resolver);
    expect((await bench.ask("shop"))?.rcode).toBe("NOERROR");
    expect(resolver.asked).toEqual(["A shop udp"]);
  });
});

it("answers too long for UDP are asked for again by TCP", async () => {
  const many = Array.from({ length: 300 }, (_, i) => `10.2.${i >> 8}.${i & 255}`);
  bench.knows("many.default", { addresses: many });
  await bench.start();
  for (const [edns, fit] of [
    [undefined, 9],
    [1_232, 24],
  ] as const) {
    const more = edns === undefined ? {} : { edns };
    const answer = await bench.ask("many.default.svc.cluster.local", "A", more);
    expect(answer).toMatchObject({ rcode: "NOERROR", flag_tc: true });
    // Programs of which the library asks nobody by TCP take these.
    expect(answer?.answers?.length).toBeGreaterThanOrEqual(fit);
  }
  const client = bench.connect();
  client.socket.write(withLength(questionBytes("many.default.svc.cluster.local")));
  await expect.poll(() => client.answers.length).toBe(1);
  expect(addresses(client.answers[0]?.answers).toSorted()).toEqual(many.toSorted());
});

it.each(["A", "SRV"] as const)("so many (%s) that no message holds them: as many as fit", async (type) => {
  const instances = Array.from({ length: 3_000 }, (_, i) => {
    return { name: `instance-${i}`, address: `10.2.${i >> 8}.${i & 255}` };
  });
  const all = instances.map(({ address }) => address);
  bench.knows("many.default", { addresses: all, instances, ports: [{ name: "http", port: 80 }] });
  await bench.start();
  const client = bench.connect();
  const name = `${type === "SRV" ? "_http._tcp." : ""}many.default.svc.cluster.local`;
  client.socket.write(withLength(questionBytes(name, type)));
  await expect.poll(() => client.answers.length).toBe(1);
  expect(client.answers[0]).toMatchObject({ rcode: "NOERROR", flag_tc: false });
  expect(client.answers[0]?.answers?.length).toBeGreaterThan(type === "SRV" ? 100 : 500);
  // The longest that a client can say it takes is more than a datagram holds.
  expect(await bench.ask(name, type, { edns: 65_535 })).toMatchObject({ rcode: "NOERROR", flag_tc: true });
  expect((await bench.ask("shop"))?.rcode).toBe("NOERROR");
});

function withLength(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
}
