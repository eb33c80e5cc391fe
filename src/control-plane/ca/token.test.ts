import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { checkToken, MAX_TOKEN_LIFE_MS, makeToken, makeTokenKey } from "./token.ts";

const key = makeTokenKey();
const audience = { trustDomain: "cluster.local", cluster: "east" };
const claims = { ...audience, namespace: "default", serviceAccount: "web", expiresAt: 1000, uses: 3 };

it("a token says again what it was made for, and each has an id of its own", () => {
  const tokens = [makeToken(key, claims, 0), makeToken(key, claims, 0)];
  const checked = tokens.map((token) => checkToken(key, token, audience, 999));
  expect(checked).toMatchObject([claims, claims].map((same) => ({ kind: "token", claims: same })));
  expect(new Set(tokens).size).toBe(2);
  expect(tokens[0]).toMatch(/^[A-Za-z0-9._-]{1,400}$/);
});

it("it ends on the millisecond", () => {
  const token = makeToken(key, claims, 0);
  expect(checkToken(key, token, audience, 1000)).toEqual({ kind: "refused", reason: "token_expired" });
});

describe("no token is made", () => {
  it.each([
    ["without uses", { uses: 0 }],
    ["for half a use", { uses: 1.5 }],
    ["for more than 10,000 uses", { uses: 10_001 }],
    ["that has expired", { expiresAt: 0 }],
    ["for longer than 30 days", { expiresAt: MAX_TOKEN_LIFE_MS + 1 }],
    ["without a moment of expiry", { expiresAt: Number.NaN }],
    ["for a name that no id can hold", { serviceAccount: "a/b" }],
    ["for a cluster whose name fills it", { cluster: "x".repeat(2000) }],
  ])("%s", (_what, change) => {
    expect(() => makeToken(key, { ...claims, ...change }, 0)).toThrow(RangeError);
  });
});

it("no change of a token is a token", () => {
  const token = makeToken(key, claims, 0);
  const change = fc.record({
    at: fc.nat({ max: token.length }),
    remove: fc.nat({ max: 3 }),
    insert: fc.oneof(
      fc.string({ unit: "binary", maxLength: 3 }),
      fc.string({ unit: fc.constantFrom(..."AZaz09-_.=+/ "), maxLength: 3 }),
    ),
  });
  fc.assert(
    fc.property(change, ({ at, remove, insert }) => {
      const changed = token.slice(0, at) + insert + token.slice(at + remove);
      expect(checkToken(key, changed, audience, 0).kind).toBe(changed === token ? "token" : "refused");
    }),
    runs(3_000),
  );
});

it("nor is the same MAC in another spelling", () => {
  const token = makeToken(key, claims, 0);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(token.at(-1) ?? "");
  const respelt = token.slice(0, -1) + alphabet[last + 1];
  const mac = (text: string) => Buffer.from(text.split(".")[2] ?? "", "base64url");
  expect(mac(respelt)).toEqual(mac(token));
  expect(checkToken(key, respelt, audience, 0)).toEqual({ kind: "refused", reason: "token_malformed" });
});

it("no text is a token", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.base64String().map((text) => `weft1.${text}`),
      ),
      (text) => {
        expect(checkToken(key, text, audience, 0).kind).toBe("refused");
      },
    ),
    runs(500),
  );
});
