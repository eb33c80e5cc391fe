/** What the caller says it will wait shortens what the route allows, is told on, and is never lengthened. */
import { expect, it } from "vitest";
import { GET, origin, shop } from "./shop.ts";

const withField = (name: string, value: string) => GET.replace("\r\n\r\n", `\r\n${name}: ${value}\r\n\r\n`);

it.each([
  ["grpc-timeout", "300m", 300],
  ["grpc-timeout", "1S", 1_000],
  ["grpc-timeout", "400000u", 400],
  ["x-envoy-expected-rq-timeout-ms", "500", 500],
])("%s: %s ends the request after %i ms", async (name, value, ms) => {
  const silent = await origin(() => {});
  const { ask } = await shop([silent.port], { timeouts: { request: "5s" } });
  const answer = await ask(withField(name, value), 5);
  expect(answer.head).toMatch(/^HTTP\/1\.1 504 [\s\S]*x-weft-error: UT; /);
  expect(answer.ms).toBeGreaterThanOrEqual(ms);
  expect(answer.ms).toBeLessThan(ms + 100);
});

it("a longer one than the route's changes nothing", async () => {
  const silent = await origin(() => {});
  const { ask } = await shop([silent.port], { timeouts: { request: "500ms" } });
  const answer = await ask(withField("grpc-timeout", "1H"), 5);
  expect(answer.status).toBe(504);
  expect(answer.ms).toBeLessThan(600);
});

it.each(["", "10", "10x", "999999999S", "-1S", "0x1S", "1.5S"])("%s is no timeout", async (value) => {
  const server = await origin();
  const { ask } = await shop([server.port]);
  expect((await ask(withField("grpc-timeout", value))).status).toBe(200);
  expect(server.seen[0]?.headers["x-envoy-expected-rq-timeout-ms"]).toBeUndefined();
});

it("what is left is told to the next, less with each try", async () => {
  const server = await origin((response, _, n) => {
    if (n > 1) response.end("ok");
  });
  const retry = { retryOn: ["5xx"], perTryTimeout: "300ms" };
  const { ask } = await shop([server.port], { timeouts: { request: "1s" }, retry });
  await ask(withField("x-envoy-expected-rq-timeout-ms", "7000"), 5);
  const told = server.seen.map(({ headers }) => Number(headers["x-envoy-expected-rq-timeout-ms"]));
  expect(told[0]).toBeLessThanOrEqual(1_000);
  expect(told[0]).toBeGreaterThan(900);
  expect(told[1]).toBeLessThanOrEqual(700);
  expect(told[1]).toBeGreaterThan(500);
});

it("no deadline: nothing is told", async () => {
  const server = await origin();
  const { ask } = await shop([server.port]);
  await ask(GET);
  expect(server.seen[0]?.headers["x-envoy-expected-rq-timeout-ms"]).toBeUndefined();
});
