/** Who is refused when a sidecar has more than it can take: the newest, the least important first, and whoever no longer waits. */
import { expect, it } from "vitest";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Overload } from "../../src/proxy/request/overload.ts";
import { routeDocument, TO_SHOP } from "../harness/compiled.ts";
import { GET, origin, shop } from "./shop.ts";

const MESH = (overload: object) => ({
  apiVersion: "weft.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "default" },
  spec: { overload },
});
const PRIORITY = {
  priority: {
    headers: [
      { name: "x-class", value: "gold", class: "critical" },
      { name: "x-class", value: "batch", class: "sheddable" },
    ],
  },
};
const of = (value: string) => GET.replace("\r\n\r\n", `\r\nX-Class: ${value}\r\n\r\n`);

async function statuses(overload: object | undefined, lateMs: number): Promise<number[]> {
  const server = await origin();
  const { ask, sidecar } = await shop(
    [server.port],
    PRIORITY,
    overload === undefined ? [] : [MESH(overload)],
  );
  sidecar.advance(lateMs);
  const found: number[] = [];
  for (const request of [of("batch"), GET, of("gold")]) found.push((await ask(request, 0)).status);
  return found;
}

it("off by default", async () => {
  expect(await statuses(undefined, 10_000)).toEqual([200, 200, 200]);
});

it.each([
  ["in time", 0, [200, 200, 200]],
  ["late: sheddable requests", 200, [503, 200, 200]],
  ["twice as late: default ones too, critical ones never", 400, [503, 503, 200]],
])("%s", async (_, late, expected) => {
  expect(await statuses({ loopDelay: "100ms" }, late)).toEqual(expected);
});

it("the answer is 503 OM, and the loop recovers", async () => {
  const server = await origin();
  const { ask, pass, sidecar } = await shop([server.port], undefined, [MESH({ loopDelay: "100ms" })]);
  sidecar.advance(1_000);
  expect((await ask(GET, 0)).head).toMatch(/^HTTP\/1\.1 503 [\s\S]*x-weft-error: OM; /);
  await pass(2_000);
  expect((await ask(GET, 0)).status).toBe(200);
  expect(server.seen.length).toBe(1);
});

it("a request whose deadline has passed while the loop was late is not forwarded", async () => {
  const server = await origin();
  const { ask, sidecar } = await shop([server.port], undefined, [MESH({ loopDelay: "10s" })]);
  sidecar.advance(1_000);
  const short = GET.replace("\r\n\r\n", "\r\ngrpc-timeout: 500m\r\n\r\n");
  expect((await ask(short, 0)).head).toMatch(/^HTTP\/1\.1 504 [\s\S]*x-weft-error: DT; /);
  const long = GET.replace("\r\n\r\n", "\r\ngrpc-timeout: 5S\r\n\r\n");
  expect((await ask(long, 0)).status).toBe(200);
  expect(server.seen.length).toBe(1);
});

it("by route", async () => {
  const server = await origin();
  const routes = [{ name: "reports", class: "sheddable" }];
  const documents = [MESH({ loopDelay: "100ms" }), routeDocument("reports", [{ backendRefs: TO_SHOP }])];
  const { ask, sidecar } = await shop([server.port], { priority: { routes } }, documents);
  sidecar.advance(200);
  expect((await ask(GET, 0)).status).toBe(503);
});

it("memory: from the threshold on, and half-way from there to the limit", () => {
  let now = 0;
  let share = 0.5;
  const wheel = new TimerWheel(() => now);
  const overload = new Overload(wheel, () => share);
  overload.configure({ memoryShare: 0.8 });
  const level = (used: number) => {
    share = used;
    for (let i = 0; i < 25; i++) {
      now += 50;
      wheel.advance();
    }
    return overload.level;
  };
  expect([0.5, 0.79, 0.8, 0.89, 0.9, 0.99, 0.7].map(level)).toEqual([0, 0, 1, 1, 2, 2, 0]);
  overload.configure(undefined);
  expect(level(0.99)).toBe(0);
});
