/** Hostile input 32 at a sidecar: a client that may not be believed is refused before a byte is forwarded, and counted. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contextOf, makeCa, makeLeaf, makeRsaKey } from "../identity/pki.ts";
import { REFUSED, root } from "../identity/refused-certificates.ts";
import { FAILURES, GET, get, type Pair, startPair, until } from "./pair.ts";
import { strangeClient } from "./stranger.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.close());

const failures = (reason: string) => pair.server.read(FAILURES, { listener: "inbound", reason });

async function isRefused(options: Parameters<typeof strangeClient>[2], reason: string): Promise<void> {
  const before = failures(reason);
  const { received } = await strangeClient(pair.server.inboundPort, GET, options);
  expect(received).toBe("");
  await until(() => failures(reason) === before + 1, `one more ${reason}`);
  expect(pair.app.received).toBe("");
}

describe("refused is a client whose certificate is", () => {
  it.each(REFUSED)("$is", async ({ chain, reason }) => {
    const [leaf, ...above] = chain();
    await isRefused(contextOf(leaf, ...above), reason);
  });

  it("absent", () => isRefused({ key: undefined, cert: undefined }, "no_certificate"));

  it("one with an RSA key of 1024 bits", () =>
    isRefused(
      { ...contextOf(makeLeaf(root, { key: makeRsaKey(1024) })), ciphers: "DEFAULT:@SECLEVEL=0" },
      "weak_key",
    ));
});

it("a client that is refused is refused again in the session that it got", async () => {
  const stranger = contextOf(makeLeaf(makeCa("other")));
  const before = failures("untrusted_root");
  const { session } = await strangeClient(pair.server.inboundPort, GET, stranger);
  if (session !== undefined) await strangeClient(pair.server.inboundPort, GET, { ...stranger, session });
  else await strangeClient(pair.server.inboundPort, GET, stranger);
  await until(() => failures("untrusted_root") === before + 2, "two refusals");
  expect(pair.app.received).toBe("");
});

it("a right one is served after all of them", async () => {
  expect(await get(pair.client.outboundPort)).toMatch(/^HTTP\/1.1 200 /);
});
