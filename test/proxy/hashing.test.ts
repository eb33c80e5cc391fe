/** Requests that belong together go to the same endpoint, and keep to it; by each thing that may say so. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { HashKey, LoadBalancerPolicy } from "../../src/discovery/messages.ts";
import { clusterAt, OUTBOUND, plainRoute, type RunningLoop, startLoop } from "../harness/loop.ts";
import { exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";

let loop: RunningLoop;
let origins: RawOrigin[];

beforeEach(async () => {
  loop = await startLoop();
  origins = await Promise.all(
    [0, 1, 2, 3].map((i) =>
      rawOrigin((_seen, socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${i}`)),
    ),
  );
  await loop.apply([{ kind: "listener", resource: OUTBOUND }, ...plainRoute("shop")]);
});
afterEach(async () => {
  await loop.close();
  for (const origin of origins) await origin.close();
});

async function balance(
  loadBalancer: LoadBalancerPolicy,
  hash?: HashKey,
  count = origins.length,
): Promise<void> {
  const ports = origins.slice(0, count).map(({ port }) => port);
  for (const change of clusterAt("shop", ports)) {
    const isCluster = change.kind === "cluster";
    const settings = { loadBalancer, ...(hash === undefined ? {} : { hash }) };
    await loop.apply([isCluster ? { ...change, resource: { ...change.resource, ...settings } } : change]);
  }
}

async function ask(fields: readonly string[] = [], target = "/"): Promise<string> {
  const head = [`GET ${target} HTTP/1.1`, "Host: shop", "Connection: close", ...fields, "", ""].join("\r\n");
  return (await exchangeBytes(loop.outboundPort, [head])).at(-1) ?? "";
}

async function several(how: (i: number) => Promise<string>, count = 24): Promise<Set<string>> {
  return new Set(await Promise.all(Array.from({ length: count }, (_, i) => how(i))));
}

it.each<[string, HashKey, (user: string) => [readonly string[], string]]>([
  ["a header, in whatever case", { kind: "header", name: "x-user" }, (user) => [[`X-USER: ${user}`], "/"]],
  [
    "a cookie among others",
    { kind: "cookie", name: "sid" },
    (user) => [[`Cookie: a=b; sid=${user}; c=d`], "/"],
  ],
  ["a parameter", { kind: "query", name: "user" }, (user) => [[], `/?a=b&user=${user}`]],
])("by %s", async (_by, key, request) => {
  for (const policy of ["ringHash", "maglev"] as const) {
    await balance(policy, key);
    const owners = new Set<string>();
    for (const user of ["ann", "bob", "cem", "dora", "eve", "fay", "gus", "hal"]) {
      const found = await several(() => ask(...request(user)), 6);
      expect(found.size, `${policy} ${user}`).toBe(1);
      for (const owner of found) owners.add(owner);
    }
    expect(owners.size).toBeGreaterThan(1);
    // Without what is hashed any endpoint will do.
    expect((await several(() => ask())).size).toBeGreaterThan(1);
  }
});

it("by the client's address, which all of these have in common", async () => {
  await balance("ringHash", { kind: "source" });
  expect((await several(() => ask())).size).toBe(1);
});

it("an endpoint that goes takes its own requests alone with it", async () => {
  await balance("ringHash", { kind: "header", name: "x-user" }, 3);
  const owners = () => Promise.all(Array.from({ length: 40 }, (_, i) => ask([`x-user: u${i}`])));
  const before = await owners();
  await balance("ringHash", { kind: "header", name: "x-user" }, 2);
  const after = await owners();
  for (const [i, owner] of before.entries()) if (owner !== "2") expect(after[i]).toBe(owner);
  expect(after).not.toContain("2");
});

it("a slow endpoint gets few requests by peakEwma", async () => {
  const counts = [0, 0, 0];
  const paced = await Promise.all(
    counts.map((_, i) =>
      rawOrigin((_seen, socket) => {
        counts[i] = (counts[i] ?? 0) + 1;
        setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), i === 0 ? 300 : 1);
      }),
    ),
  );
  origins.push(...paced.splice(0));
  const ports = origins.slice(-3).map(({ port }) => port);
  for (const change of clusterAt("shop", ports)) {
    const isCluster = change.kind === "cluster";
    await loop.apply([
      isCluster ? { ...change, resource: { ...change.resource, loadBalancer: "peakEwma" } } : change,
    ]);
  }
  for (let round = 0; round < 30; round++) await several(() => ask(), 4);
  const [slow = 0, ...quick] = counts;
  // A third each, if it were not for the latency; a machine that pauses lends some of it to the quick ones.
  expect(slow * 2).toBeLessThan(Math.min(...quick));
});
