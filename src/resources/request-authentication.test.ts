import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { loadFiles } from "./load.ts";

const publicOf = (type: "ec" | "ed25519" | "rsa", options: object = {}) => {
  const pair = generateKeyPairSync(type as "rsa", options as { modulusLength: number });
  return { jwk: pair.publicKey.export({ format: "jwk" }), secret: pair.privateKey.export({ format: "jwk" }) };
};
const EC = publicOf("ec", { namedCurve: "P-256" });
const ED = publicOf("ed25519");
const RSA = publicOf("rsa", { modulusLength: 2_048 });

function told(rule: object): readonly string[] {
  const document = {
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "RequestAuthentication", metadata: { name: "t" } },
    spec: { jwtRules: [{ issuer: "i", ...rule }] },
  };
  const { issues } = loadFiles([{ name: "t.yaml", text: JSON.stringify(document) }]);
  return issues.map(({ severity, field, message }) => `${severity} ${field}: ${message}`);
}

const keys = (...list: readonly unknown[]) => ({ jwks: JSON.stringify({ keys: list }) });

describe("a RequestAuthentication", () => {
  it("takes public keys for RS256, ES256 and EdDSA, or a URL", () => {
    expect(told(keys(EC.jwk, ED.jwk, RSA.jwk))).toEqual([]);
    expect(told({ jwksUri: "https://issuer.example/.well-known/jwks.json" })).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ["no keys", {}, /needs jwks or jwksUri/],
    ["two sources of keys", { ...keys(EC.jwk), jwksUri: "https://a" }, /jwksUri: .*exclude each other/],
    ["a URL of another kind", { jwksUri: "file:///etc/passwd" }, /jwksUri: .*http/],
    ["what is no JSON", { jwks: "{" }, /jwks: .*not JSON/],
    ["an empty set", keys(), /0 keys/],
    ["a private key", keys(EC.secret), /secret member d/],
    ["a shared secret", keys({ kty: "oct", k: "c2VjcmV0" }), /secret member k/],
    ["RSA of 1,024 bits", keys(publicOf("rsa", { modulusLength: 1_024 }).jwk), /under 2048 bits/],
    ["P-384", keys(publicOf("ec", { namedCurve: "P-384" }).jwk), /another curve/],
    ["a kind of key that is none", keys({ kty: "AKP" }), /not RSA, EC or OKP/],
    ["a key that is text", keys("x"), /is no object/],
    ["no issuer", { issuer: "", ...keys(EC.jwk) }, /issuer/],
    ["a header that is none", { ...keys(EC.jwk), fromHeaders: [{ name: "a b" }] }, /fromHeaders\[0\].name/],
    ["a misspelt field", { ...keys(EC.jwk), audience: ["a"] }, /audience: unknown field/],
  ])("refuses %s", (_what, rule, message) => {
    const [first, ...more] = told(rule);
    expect(first).toMatch(/^error /);
    expect(first).toMatch(message);
    expect(more).toEqual([]);
  });
});
