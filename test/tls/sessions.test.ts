/** Hostile input 37: a session that is resumed proves no more than it did, and is judged again each time. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Credentials } from "../../src/proxy/net/credentials.ts";
import { HOUR, makeCa, pemOf } from "../identity/pki.ts";
import { root } from "../identity/refused-certificates.ts";
import {
  makeOriginator,
  startAcceptor,
  type TestAcceptor,
  type TestOriginator,
  targetAt,
} from "./in-process.ts";
import { idOf, leafFor, secretFor } from "./pair.ts";

let server: TestAcceptor;
let client: TestOriginator;
beforeEach(async () => {
  server = await startAcceptor(secretFor("shop"));
  client = makeOriginator(secretFor("client"));
});
afterEach(() => {
  vi.useRealTimers();
  server.close();
});

it("a session is resumed, and both ends know each other as before", async () => {
  const shop = targetAt(server.port, "shop");
  expect(await client.ask(shop)).toBe("hello");
  expect(await client.ask(shop)).toBe("hello");
  expect(await client.ask(shop)).toBe("hello");
  expect(client.counted).toEqual({ completed: ["full", "resumed", "resumed"], failed: [] });
  expect(server.counted).toEqual(client.counted);
  expect(server.clients.map((seen) => seen?.id)).toEqual([idOf("client"), idOf("client"), idOf("client")]);
  expect(new Set(server.clients.map((seen) => seen?.fingerprint)).size).toBe(1);
});

it("the session of one workload is no proof of another at the same place", async () => {
  const shop = targetAt(server.port, "shop");
  await client.ask(shop);
  const stock = { ...targetAt(server.port, "stock"), session: shop.session };
  expect(shop.session).not.toBeNull();
  expect(await client.ask(stock)).toBe(
    `EPEERREFUSED: wrong_identity: expected ${idOf("stock")}, found ${idOf("shop")}`,
  );
  expect(stock.session).toBeNull();
  expect(client.counted.failed).toEqual(["wrong_identity"]);
});

it("a session outlives neither end's certificate", async () => {
  const shop = targetAt(server.port, "shop");
  await client.ask(shop);
  vi.useFakeTimers({ now: Date.now() + 25 * HOUR, toFake: ["Date"] });
  // The client's own has ended, too; let it have one that has not.
  expect(await client.ask(shop)).toBe("ETLSFAILED: own_certificate_expired");
  const longer = { ...secretFor("client"), notAfter: Date.now() + HOUR };
  const late = new Credentials(longer);
  client.keyring.credentials = late;
  const resumed = { ...shop, session: shop.session && { ...shop.session, credentials: late } };
  expect(await client.ask(resumed)).toBe("EPEERREFUSED: expired");
});

it("a client whose certificate has ended is refused in its session, too", async () => {
  const shop = targetAt(server.port, "shop");
  await client.ask(shop);
  const brief = makeOriginator(secretFor("client", leafFor("client", { notAfter: Date.now() + 2 * HOUR })));
  const again = targetAt(server.port, "shop");
  expect(await brief.ask(again)).toBe("hello");
  vi.useFakeTimers({ now: Date.now() + 3 * HOUR, toFake: ["Date"] });
  const { credentials } = brief.keyring;
  if (credentials === null || again.session === null) throw new TypeError("a session");
  Object.assign(credentials, { notAfter: Date.now() + HOUR });
  expect(await brief.ask(again)).toMatch(/^(closed|ECONNRESET)/);
  expect(server.counted.failed).toEqual(["expired"]);
});

it("new credentials of either end begin new sessions", async () => {
  const shop = targetAt(server.port, "shop");
  await client.ask(shop);
  client.keyring.credentials = new Credentials(secretFor("client"));
  await client.ask(shop);
  server.keyring.credentials = new Credentials(secretFor("shop"));
  await client.ask(shop);
  await client.ask(shop);
  expect(client.counted).toEqual({ completed: ["full", "full", "full", "resumed"], failed: [] });
});

it("loops of one sidecar, which share a secret, resume each other's sessions", async () => {
  const secret = secretFor("shop");
  const [one, other] = [await startAcceptor(secret), await startAcceptor(secret)];
  const shop = targetAt(one.port, "shop");
  await client.ask(shop);
  await client.ask({ ...shop, port: other.port });
  expect(client.counted).toEqual({ completed: ["full", "resumed"], failed: [] });
  one.close();
  other.close();
});

it("a session of a root that is no longer trusted is not resumed", async () => {
  const shop = targetAt(server.port, "shop");
  await client.ask(shop);
  const next = makeCa("next");
  client.keyring.credentials = new Credentials(secretFor("client", leafFor("client"), pemOf(next)));
  expect(await client.ask(shop)).toBe("EPEERREFUSED: untrusted_root");
  server.keyring.credentials = new Credentials(
    secretFor("shop", leafFor("shop", {}, next), pemOf(root, next)),
  );
  expect(await client.ask(shop)).toBe("hello");
});
