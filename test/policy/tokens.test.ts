/** Tokens of people and programs in front of a real sidecar: who is believed, who is refused, and what the application gets. */
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Protected, policy } from "./protected.ts";

const ISSUER = "https://issuer.example";
const now = () => Math.floor(Date.now() / 1_000);

interface Signer {
  readonly alg: string;
  readonly key: CryptoKey;
  readonly jwk: object;
}

async function signer(alg: string, kid?: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    alg,
    key: privateKey,
    jwk: { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }) },
  };
}

let rsa: Signer;
let ec: Signer;
let ed: Signer;
let stranger: Signer;
let shop: Protected;

const CLAIMS = { sub: "alice", aud: "shop", role: "admin", nested: { team: "red" }, groups: ["a", "b"] };

function tokenOf(
  by: Signer,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const all = { iss: ISSUER, exp: now() + 600, ...CLAIMS, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: by.alg, ...header }).sign(by.key);
}

function tokens(rule: object = {}, jwks = JSON.stringify({ keys: [rsa.jwk, ec.jwk, ed.jwk] })): object {
  return {
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "RequestAuthentication", metadata: { name: "t" } },
    spec: { jwtRules: [{ issuer: ISSUER, jwks, ...rule }] },
  };
}

const bearer = (token: string) => [`Authorization: Bearer ${token}`];
const ask = (fields: readonly string[], path = "/") =>
  shop.ask([`GET ${path} HTTP/1.1`, "Host: shop", ...fields]);

beforeAll(async () => {
  [rsa, ec, ed, stranger] = await Promise.all([
    signer("RS256", "rsa"),
    signer("ES256", "ec"),
    signer("EdDSA", "ed"),
    signer("RS256", "rsa"),
  ]);
  shop = await Protected.start();
});
afterAll(() => shop.close());

describe("with a rule for one issuer", () => {
  beforeAll(() => shop.protect(tokens({ audiences: ["shop", "other"] })));

  it.each(["RS256", "ES256", "EdDSA"])(
    "a right token of %s passes, again and again, and goes no further",
    async (alg) => {
      const by = [rsa, ec, ed].find((one) => one.alg === alg);
      if (by === undefined) throw new Error(alg);
      const token = await tokenOf(by, {}, { kid: alg === "RS256" ? "rsa" : undefined });
      shop.seen();
      for (let i = 0; i < 3; i++) expect(await shop.status("/", bearer(token))).toBe(200);
      expect(await shop.status("/", [`authorization: bEaReR ${token}`])).toBe(200);
      expect(await shop.status(`/?access_token=${token}`)).toBe(200);
      expect(shop.seen().toLowerCase()).not.toContain("authorization");
    },
  );

  it("a request without a token passes, and one with credentials of another kind as it is", async () => {
    expect(await shop.status("/")).toBe(200);
    shop.seen();
    expect(await shop.status("/", ["Authorization: Basic YTpi"])).toBe(200);
    expect(shop.seen()).toContain("Authorization: Basic YTpi");
  });

  it("what is not right is 401 with the reason, in RFC 6750's words, and the application hears nothing", async () => {
    const hmac = new SignJWT({ iss: ISSUER, ...CLAIMS }).setProtectedHeader({ alg: "HS256" });
    const publicPem = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({
      type: "spki",
      format: "pem",
    });
    const [head, body, signature] = (await tokenOf(rsa)).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const rows: [string, string][] = [
      ["it has expired", await tokenOf(rsa, { exp: now() - 61 })],
      ["its nbf is wrong", await tokenOf(rsa, { nbf: now() + 120 })],
      ["its aud is wrong", await tokenOf(rsa, { aud: "bank" })],
      ["nobody here believes its issuer", await tokenOf(rsa, { iss: "https://evil.example" })],
      ["nobody here believes its issuer", await tokenOf(rsa, { iss: `${ISSUER}/` })],
      ["its signature is wrong", await tokenOf(stranger, {}, { kid: "rsa" })],
      ["its issuer has no such key", await tokenOf(rsa, {}, { kid: "gone" })],
      ["its algorithm is not", await hmac.sign(Buffer.from(String(publicPem)))],
      ["its algorithm is not", `${none}.${body}.`],
      [
        "its signature is wrong",
        `${head}.${Buffer.from(JSON.stringify({ iss: ISSUER, sub: "root", aud: "shop" })).toString("base64url")}.${signature}`,
      ],
      ["it is no JSON Web Token", "x"],
      ["it is no JSON Web Token", "a.b.c"],
      ["it is no JSON Web Token", `${head}.${body}`],
      ["its signature is wrong", `${head}.${body}.`],
    ];
    shop.seen();
    for (const [reason, token] of rows) {
      const answer = await ask(bearer(token));
      expect(answer, reason).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toContain('www-authenticate: Bearer error="invalid_token"');
      expect(answer).toContain(reason);
    }
    expect(shop.seen()).toBe("");
  });

  it("clocks may differ by a minute (default)", async () => {
    expect(await shop.status("/", bearer(await tokenOf(rsa, { exp: now() - 50 })))).toBe(200);
    expect(await shop.status("/", bearer(await tokenOf(rsa, { nbf: now() + 50 })))).toBe(200);
  });

  it("two different tokens are refused, the same twice is one", async () => {
    const [one, two] = [await tokenOf(rsa), await tokenOf(ec)];
    expect(await ask([...bearer(one), ...bearer(two)])).toContain("the request has several");
    expect(await ask(bearer(one), `/?access_token=${two}`)).toContain("the request has several");
    expect(await shop.status("/", [...bearer(one), ...bearer(one)])).toBe(200);
  });

  it("many at once with a new token wait for one verification, and a body waits with them", async () => {
    const token = await tokenOf(ec, { jti: "many" });
    const asked = Array.from({ length: 20 }, () => shop.status("/", bearer(token)));
    expect(await Promise.all(asked)).toEqual(Array(20).fill(200));
    const post = await shop.ask([
      "POST / HTTP/1.1",
      "Host: shop",
      ...bearer(await tokenOf(ec, { jti: "body" })),
      "Content-Length: 0",
    ]);
    expect(post).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("no bytes in the place of a token do harm", { timeout: 60_000 }, async () => {
    const any = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
      minLength: 1,
      maxLength: 60,
    });
    const token = fc.oneof(
      any,
      fc.array(any, { minLength: 3, maxLength: 3 }).map((parts) => parts.join(".")),
    );
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        expect(await shop.status("/", bearer(text))).toBe(401);
      }),
      { numRuns: 60 },
    );
    expect(await shop.status("/", bearer(await tokenOf(rsa)))).toBe(200);
  });
});

it("claims decide by AuthorizationPolicy, and a token that is refused does so before it", async () => {
  const rules = [
    { when: [{ key: "request.auth.claims[role]", values: ["admin"] }] },
    { from: [{ source: { requestPrincipals: [`${ISSUER}/bob`] } }] },
    { when: [{ key: "request.auth.claims[groups]", values: ["ops"] }] },
  ];
  await shop.protect(tokens(), policy("p", { rules }));
  const status = async (claims: object) => shop.status("/", bearer(await tokenOf(rsa, { ...claims })));
  expect(await status({})).toBe(200);
  expect(await status({ role: "user" })).toBe(403);
  expect(await status({ role: "user", sub: "bob" })).toBe(200);
  expect(await status({ role: "user", groups: ["dev", "ops"] })).toBe(200);
  expect(await shop.status("/")).toBe(403);
  expect(await status({ exp: 1 })).toBe(401);
});

it("the application gets what the rule gives it, and nobody else can set it", async () => {
  const outputClaimToHeaders = [
    { header: "X-User", claim: "sub" },
    { header: "x-team", claim: "nested.team" },
    { header: "x-groups", claim: "groups" },
    { header: "x-none", claim: "nothing" },
  ];
  await shop.protect(tokens({ outputClaimToHeaders, forwardOriginalToken: true }));
  shop.seen();
  const forged = ["X-User: root", "x-none: forged", "X-Team: blue"];
  expect(await shop.status("/", [...bearer(await tokenOf(rsa)), ...forged])).toBe(200);
  const withToken = shop.seen();
  expect(withToken).toContain("Authorization: Bearer ");
  expect(withToken).toContain("\r\nx-user: alice\r\nx-team: red\r\nx-groups: a,b\r\n");
  expect(withToken).not.toMatch(/root|forged|blue/);
  expect(await shop.status("/", forged)).toBe(200);
  expect(shop.seen()).not.toMatch(/root|forged|blue/);
  expect(await shop.status("/", bearer(await tokenOf(rsa, { sub: "a\r\nx-evil: 1" })))).toBe(200);
  expect(shop.seen()).not.toContain("evil");
});

it("tokens are looked for where the rule says, and there alone", async () => {
  await shop.protect(tokens({ fromHeaders: [{ name: "X-Token", prefix: "v1:" }], fromParams: ["t"] }));
  const token = await tokenOf(rsa);
  shop.seen();
  expect(await shop.status("/", [`x-token: v1:${token}`])).toBe(200);
  expect(shop.seen().toLowerCase()).not.toContain("x-token");
  expect(await shop.status(`/?a=b&t=${token}`)).toBe(200);
  expect(await shop.status("/?t=x")).toBe(401);
  expect(await shop.status("/", bearer("x"))).toBe(200);
});

it("an issuer's token counts only from where the issuer's rule says", async () => {
  const other = { issuer: "https://other.example", jwks: JSON.stringify({ keys: [ed.jwk] }) };
  const mine = tokens() as { spec: { jwtRules: object[] } };
  const rules = [...mine.spec.jwtRules, { ...other, fromHeaders: [{ name: "x-other" }] }];
  await shop.protect({ ...mine, spec: { jwtRules: rules } });
  const [ours, theirs] = [await tokenOf(rsa), await tokenOf(ed, { iss: "https://other.example" })];
  expect(await shop.status("/", bearer(ours))).toBe(200);
  expect(await shop.status("/", [`x-other: ${theirs}`])).toBe(200);
  expect(await ask(bearer(theirs))).toContain("nobody here believes its issuer");
  expect(await ask([`x-other: ${ours}`])).toContain("nobody here believes its issuer");
});

it("a token over 16 KiB is refused unseen", async () => {
  await shop.protect(tokens());
  expect(await ask(bearer(`${"x".repeat(16_385)}`))).toContain("it is too long");
});

it("keys that change take effect, and those that are not there yet believe nobody", async () => {
  const token = await tokenOf(ec, { jti: "rotation" });
  await shop.protect(tokens());
  expect(await shop.status("/", bearer(token))).toBe(200);
  await shop.protect(tokens({}, JSON.stringify({ keys: [rsa.jwk] })));
  expect(await shop.status("/", bearer(token))).toBe(401);
  const waiting = { issuer: ISSUER, jwksUri: "https://issuer.example/keys" };
  const document = tokens() as { spec: object };
  await shop.protect({ ...document, spec: { jwtRules: [waiting] } });
  expect(await ask(bearer(token))).toContain("the keys of its issuer have not been fetched");
  await shop.protect();
  expect(await shop.status("/", bearer("anything"))).toBe(200);
});

it("of several keys without a name the right one is found", async () => {
  const [one, two] = [await signer("ES256"), await signer("ES256")];
  await shop.protect(tokens({}, JSON.stringify({ keys: [one.jwk, two.jwk] })));
  expect(await shop.status("/", bearer(await tokenOf(two)))).toBe(200);
  expect(await shop.status("/", bearer(await tokenOf(await signer("ES256"))))).toBe(401);
});
