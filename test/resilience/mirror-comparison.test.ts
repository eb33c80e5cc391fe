/** Responses of mirrors compared with the real ones, which never know of it; over real sockets. */
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { COMPARISON_TIMEOUT_MS } from "../../src/proxy/request/comparisons.ts";
import { trafficPolicyDocument } from "../harness/compiled.ts";
import { seededRandom } from "../harness/random.ts";
import { mirrored } from "./mirrored.ts";
import { chunked, ok, raw } from "./raw-answers.ts";
import { GET, origin, shop } from "./shop.ts";

const JSON_BODY = { body: "json", headers: ["x-a"] };

async function pair(real: string, mirror: string, comparison: object = JSON_BODY) {
  const [from, to] = [await raw(() => [real]), await raw(() => [mirror])];
  return mirrored([from.port], [to.port], { comparison });
}

it.each<[string, string, string, string]>([
  ["the same", ok('{"a":1}'), ok('{"a":1}'), "same"],
  ["the same value", ok('{"a":1,"b":2}'), chunked('{"b":', '2, "a"', ":1}"), "same"],
  ["another status", ok("{}"), ok("{}").replace("200 OK", "500 Oops"), "status 200->500"],
  ["another header", ok("{}", "x-a: 1\r\n"), ok("{}", "x-a: 2\r\n"), "headers x-a"],
  ["headers nobody asked for", ok("{}", "x-b: 1\r\n"), ok("{}", "x-b: 2\r\n"), "same"],
  ["a field in several lines", ok("{}", "x-a: 1\r\nX-A: 2\r\n"), ok("{}", "x-a: 1, 2\r\n"), "same"],
  ["another member", ok('{"l":[{"a":1}]}'), ok('{"l":[{"a":2}]}'), "body /l/*/a"],
  ["malformed JSON", ok('{"a":1}'), ok('{"a":1'), "body "],
  ["empty", ok(""), ok(""), "same"],
  ["larger than the bound", ok("{}"), ok(`"${"x".repeat(65_535)}"`), "too_large"],
  [
    "larger than the bound, by chunks",
    chunked("x".repeat(40_000), "x".repeat(40_000)),
    ok("{}"),
    "too_large",
  ],
  ["until the end of the connection", ok('{"a":1}'), 'HTTP/1.0 200 OK\r\n\r\n{"a":1}', "failed"],
  ["no HTTP", ok("{}"), "220 smtp ready\r\n\r\n", "failed"],
  ["malformed chunks", ok("{}"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "failed"],
  [
    "switching protocols",
    ok("{}"),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "failed",
  ],
  ["interim responses first", `HTTP/1.1 103 Early Hints\r\nx-a: 0\r\n\r\n${ok("{}")}`, ok("{}"), "same"],
])("%s", async (_, real, mirror, expected) => {
  const made = await pair(real, mirror);
  const client = made.send(GET);
  expect(await made.results(1, 50)).toEqual([expected]);
  client.socket.destroy();
});

it("a body that ends with its connection is whole", async () => {
  const end = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a":1}';
  const made = await mirrored(
    [(await raw(() => [ok('{"a":1}')])).port],
    [(await raw(() => [end], true)).port],
    { comparison: JSON_BODY },
  );
  await made.ask(GET);
  expect(await made.results(1)).toEqual(["same"]);
});

it("bytes, ignored places, and codings", async () => {
  const bytes = await pair(ok("{ }"), ok("{}"), { body: "bytes" });
  await bytes.ask(GET);
  expect(await bytes.results(1)).toEqual(["body "]);
  const ignoring = await pair(ok('[{"at":1},{"at":2}]'), ok('[{"at":3},{"at":4}]'), {
    body: "json",
    ignore: ["/*/at"],
  });
  await ignoring.ask(GET);
  expect(await ignoring.results(1)).toEqual(["same"]);
  const zipped = gzipSync('{"a":1}').toString("latin1");
  const coded = await pair(ok('{"a":1}'), ok(zipped, "Content-Encoding: gzip\r\n"));
  await coded.ask(GET);
  expect(await coded.results(1)).toEqual(["same"]);
});

it("without a policy nothing is collected; with sample 0 neither, and a sample is a share", async () => {
  const [real, copy] = [await origin(), await origin()];
  for (const [comparison, least, most] of [
    [undefined, 0, 0],
    [{ sample: 0 }, 0, 0],
    [{ sample: 30 }, 15, 45],
  ] as const) {
    const made = await mirrored([real.port], [copy.port], {
      random: seededRandom(4),
      ...(comparison && { comparison }),
    });
    for (let i = 0; i < 100; i++) await made.ask(GET);
    await made.pass(100);
    expect(made.outcome("answered")).toBe(100);
    expect(made.samples.length).toBeGreaterThanOrEqual(least);
    expect(made.samples.length).toBeLessThanOrEqual(most);
  }
});

it("HEAD, 204 and 304: without bodies, whatever the length says", async () => {
  const head = (status: string, length: number) => `HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\n\r\n`;
  const made = await pair(head("200 OK", 90_000), head("200 OK", 5));
  made.send(GET.replace("GET", "HEAD"));
  expect(await made.results(1)).toEqual(["same"]);
  const unmodified = await pair(head("304 Not Modified", 90_000), head("304 Not Modified", 5));
  unmodified.send(GET);
  expect(await unmodified.results(1)).toEqual(["same"]);
});

it("the answer that the client got counts, after retries; one of Weft's own by its status", async () => {
  const real = await raw((n) => [n === 0 ? ok('{"try":1}').replace("200 OK", "503 No") : ok('{"try":2}')]);
  const copy = await raw(() => [ok('{"try":2}')]);
  const policy = { retry: { retryOn: ["5xx"], attempts: 2, backoff: "1ms" } };
  const made = await mirrored([real.port], [copy.port], { comparison: JSON_BODY, policy });
  expect((await made.ask(GET)).body).toBe('{"try":2}');
  expect(await made.results(1)).toEqual(["same"]);
  const alone = await mirrored([], [copy.port], { comparison: JSON_BODY });
  expect((await alone.ask(GET)).status).toBe(503);
  expect(await alone.results(1)).toEqual(["status 503->200"]);
});

it("an HTTP/1.0 client gets a chunked body without its chunks, which compares as the same", async () => {
  const made = await pair(chunked('{"a"', ":1}"), chunked('{"a":1}'));
  const client = made.send("GET /x HTTP/1.0\r\nHost: shop\r\n\r\n");
  expect(await made.results(1)).toEqual(["same"]);
  await expect.poll(() => client.received()).toMatch(/\r\n\r\n\{"a":1\}$/);
});

it("a client that goes in the middle of the response leaves nothing to compare", async () => {
  const real = await raw(() => ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"]);
  const made = await mirrored([real.port], [(await raw(() => [ok("{}")])).port], { comparison: JSON_BODY });
  const client = made.send(GET);
  await expect.poll(() => client.received()).toContain("{");
  client.socket.destroy();
  expect(await made.results(1)).toEqual(["incomplete"]);
});

it("one that takes longer than 30 s is given up: a mirror that hangs has failed, an endless response is none of its fault", async () => {
  const silent = await raw(() => null);
  const endless = await raw(() => ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"]);
  const quick = await raw(() => [ok("{}")]);
  const hanging = await mirrored([quick.port], [silent.port], { comparison: JSON_BODY });
  expect((await hanging.ask(GET)).status).toBe(200);
  await hanging.pass(COMPARISON_TIMEOUT_MS - 1_000);
  expect(hanging.samples).toEqual([]);
  expect(await hanging.results(1, 100)).toEqual(["failed"]);
  const long = await mirrored([endless.port], [quick.port], { comparison: JSON_BODY });
  const client = long.send(GET);
  await expect.poll(() => client.received()).toContain("a\r\n");
  await long.pass(COMPARISON_TIMEOUT_MS + 1_000);
  expect(await long.results(1)).toEqual(["incomplete"]);
  expect(client.isClosed()).toBe(false);
});

it.each<[string, object]>([
  ["ignore without JSON", { ignore: ["/a"] }],
  ["a pointer that is none", { body: "json", ignore: ["a"] }],
  ["a pointer with a bad escape", { body: "json", ignore: ["/a~2"] }],
  ["an unknown way", { body: "xml" }],
  ["no room", { body: "json", maxBodyBytes: 0 }],
  ["over 100 %", { sample: 101 }],
  ["a header twice", { headers: ["etag", "ETag"] }],
  ["no header's name", { headers: ["e tag"] }],
  ["an unknown field", { headrs: ["etag"] }],
])("refused: %s", async (_, mirrorComparison) => {
  const policy = trafficPolicyDocument("shop", { mirrorComparison });
  await expect(shop([], undefined, [policy])).rejects.toThrow(/"line": \d+[\s\S]*mirrorComparison/);
});
