/** Keys of token issuers: fetched by the control plane for all, from nowhere that they must not come from. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fetchJwks, isForbidden } from "../../src/control-plane/jwks-fetch.ts";
import { JwksStore, REFRESH_MS } from "../../src/control-plane/jwks-store.ts";
import { loadFiles } from "../../src/resources/load.ts";
import type { Resource } from "../../src/resources/resource.ts";

let server: Server;
let answer: (response: ServerResponse) => void;
let requests: number;
let port: number;
let jwks: string;

beforeEach(async () => {
  const { publicKey } = await generateKeyPair("ES256");
  jwks = JSON.stringify({ keys: [await exportJWK(publicKey)] });
  requests = 0;
  answer = (response) => response.end(jwks);
  server = createServer((_request, response) => {
    requests++;
    answer(response);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  ({ port } = server.address() as AddressInfo);
});

afterEach(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

const at = (path = "/keys", host = "127.0.0.1") => `http://${host}:${port}${path}`;

it.each([
  "127.0.0.1",
  "127.9.9.9",
  "0.0.0.0",
  "169.254.169.254",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "fe80::1",
  "ff02::1",
  "fd00:ec2::254",
  "64:ff9b::7f00:1",
  "100.100.100.200",
  "::ffff:127.0.0.1",
  "::ffff:a9fe:a9fe",
  "localhost",
])("%s is forbidden", (address) => expect(isForbidden(address)).toBe(true));

it.each(["10.0.0.1", "192.168.1.1", "198.18.0.1", "8.8.8.8", "2001:db8::1", "fd00::1", "::ffff:8.8.8.8"])(
  "%s is not",
  (address) => expect(isForbidden(address)).toBe(false),
);

it.each([
  ["127.0.0.1", "local address"],
  ["[::1]", "local address"],
  ["[::ffff:127.0.0.1]", "local address"],
  ["2130706433", "local address"],
  ["0x7f.1", "local address"],
  ["localhost", "a local address"],
])("nothing is asked of %s unless that is allowed", async (host, reason) => {
  const fetched = await fetchJwks(at("/keys", host), false);
  expect(fetched).toEqual({ kind: "failed", reason: expect.stringContaining(reason) });
  expect(requests).toBe(0);
});

it("where it is allowed, keys come from there", async () => {
  expect(await fetchJwks(at(), true)).toEqual({ kind: "keys", jwks });
});

it.each<[string, (response: ServerResponse) => unknown, string]>([
  ["a redirect", (r) => r.writeHead(302, { location: at("/elsewhere") }).end(), "status 302"],
  ["an error", (r) => r.writeHead(500).end(jwks), "status 500"],
  ["no key set", (r) => r.end("<html>"), "not JSON"],
  ["a secret key", (r) => r.end('{"keys":[{"kty":"oct","k":"x"}]}'), "secret member k"],
  ["too much", (r) => r.end(" ".repeat(131_073)), "more than 131072 bytes"],
])("%s is no key set", async (_is, how, reason) => {
  answer = how;
  expect(await fetchJwks(at(), true)).toEqual({ kind: "failed", reason: expect.stringContaining(reason) });
  expect(requests).toBe(1);
});

it("an answer that never ends is given up after 5 s (default)", { timeout: 10_000 }, async () => {
  answer = (response) => response.write("{");
  const began = performance.now();
  expect((await fetchJwks(at(), true)).kind).toBe("failed");
  expect(performance.now() - began).toBeGreaterThan(4_900);
});

function resources(...uris: readonly string[]): readonly Resource[] {
  const text = uris
    .map((jwksUri, i) =>
      JSON.stringify({
        ...{ apiVersion: "weft.dev/v1alpha1", kind: "RequestAuthentication", metadata: { name: `t${i}` } },
        spec: { jwtRules: [{ issuer: "i", jwksUri }] },
      }),
    )
    .join("\n---\n");
  return loadFiles([{ name: "t.yaml", text }]).resources;
}

const PATIENCE = { timeout: 10_000 };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const keysIn = (all: readonly Resource[]) =>
  all.flatMap((one) =>
    one.kind === "RequestAuthentication" ? one.spec.jwtRules.map(({ jwks }) => jwks) : [],
  );

it("one fetch for all who name a URL, again every 20 minutes (default), and the last keys stay when it fails", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let changes = 0;
  const store = new JwksStore({ allowsLocal: true, onChange: () => void changes++, log: silent });
  const all = resources(at(), at());
  expect(keysIn(store.fill(all))).toEqual([undefined, undefined]);
  await vi.waitUntil(() => changes === 1, PATIENCE);
  const filled = store.fill(all);
  expect(keysIn(filled)).toEqual([jwks, jwks]);
  expect(requests).toBe(1);
  // The same objects, so that nothing is compiled anew.
  for (const [i, resource] of store.fill(all).entries()) expect(resource).toBe(filled[i]);
  const old = jwks;
  answer = (response) => response.writeHead(500).end();
  await vi.advanceTimersByTimeAsync(REFRESH_MS * 1.1);
  await vi.waitUntil(() => requests === 2, PATIENCE);
  expect(keysIn(store.fill(all))).toEqual([old, old]);
  const { publicKey } = await generateKeyPair("ES256");
  jwks = JSON.stringify({ keys: [await exportJWK(publicKey)] });
  answer = (response) => response.end(jwks);
  await vi.waitUntil(async () => {
    await vi.advanceTimersByTimeAsync(200);
    return changes === 2;
  }, PATIENCE);
  expect(keysIn(store.fill(all))).toEqual([jwks, jwks]);
  // Nobody names it any more.
  store.fill([]);
  const before = requests;
  await vi.advanceTimersByTimeAsync(REFRESH_MS * 2);
  expect(requests).toBe(before);
  store.close();
});
