/**
 * Join tokens: what a sidecar outside Kubernetes shows at its first enrolment. The control plane makes and checks them, so
 * one secret and HMAC-SHA256 do; a token is bound to a service account, to a trust domain and a cluster, to a time, and to
 * how often it may be used. Text: `weft1.<claims>.<mac>`, both Base64url, the MAC over all before its dot. Nothing of the
 * claims is looked at before the MAC is right.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { formatWorkloadId } from "../../identity/spiffe-id.ts";

/** A longer text is refused unread. */
export const MAX_TOKEN_CHARACTERS = 2048;
export const MAX_TOKEN_USES = 10_000;
export const MAX_TOKEN_LIFE_MS = 30 * 24 * 3600_000;

export interface TokenClaims {
  /** 16 random bytes, hexadecimal: what uses are counted by. */
  readonly id: string;
  readonly trustDomain: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** How often it may be used, 1 or more. */
  readonly uses: number;
}

/** Where a token is used. */
export interface TokenAudience {
  readonly trustDomain: string;
  readonly cluster: string;
}

export const TOKEN_REFUSALS = [
  "token_malformed",
  "token_forged",
  "token_expired",
  "token_of_other_trust_domain",
  "token_of_other_cluster",
] as const;
export type TokenRefusal = (typeof TOKEN_REFUSALS)[number];

export type CheckedToken =
  | { readonly kind: "token"; readonly claims: TokenClaims }
  | { readonly kind: "refused"; readonly reason: TokenRefusal };

const PREFIX = "weft1";
const SHAPE = /^weft1\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/;

/** Key of at least 32 bytes. */
export function makeTokenKey(): Buffer {
  return randomBytes(32);
}

/** Makes a token. Throws a RangeError where names, life or uses are out of range. */
export function makeToken(key: Uint8Array, claims: Omit<TokenClaims, "id">, now: number): string {
  formatWorkloadId(claims);
  const life = claims.expiresAt - now;
  if (!(life > 0 && life <= MAX_TOKEN_LIFE_MS)) throw new RangeError("a token lives 30 days at most");
  if (!Number.isInteger(claims.uses) || claims.uses < 1 || claims.uses > MAX_TOKEN_USES) {
    throw new RangeError(`a token has 1 to ${MAX_TOKEN_USES} uses`);
  }
  const { trustDomain, cluster, namespace, serviceAccount, expiresAt, uses } = claims;
  const id = randomBytes(16).toString("hex");
  const all: TokenClaims = { id, trustDomain, cluster, namespace, serviceAccount, expiresAt, uses };
  const body = `${PREFIX}.${Buffer.from(JSON.stringify(all)).toString("base64url")}`;
  const token = `${body}.${macOf(key, body).toString("base64url")}`;
  if (token.length > MAX_TOKEN_CHARACTERS) throw new RangeError("names too long for a token");
  return token;
}

/** Everything but whether it has been used up, which `TokenLedger` knows. */
export function checkToken(
  key: Uint8Array,
  token: string,
  audience: TokenAudience,
  now: number,
): CheckedToken {
  if (token.length > MAX_TOKEN_CHARACTERS) return refused("token_malformed");
  const [, claimsText, macText] = SHAPE.exec(token) ?? [];
  if (claimsText === undefined || macText === undefined) return refused("token_malformed");
  const mac = Buffer.from(macText, "base64url");
  // A MAC has 256 bits, its text 258: of the four spellings, one is right.
  if (mac.toString("base64url") !== macText) return refused("token_malformed");
  if (!timingSafeEqual(mac, macOf(key, `${PREFIX}.${claimsText}`))) return refused("token_forged");
  const claims: TokenClaims = JSON.parse(Buffer.from(claimsText, "base64url").toString());
  if (now >= claims.expiresAt) return refused("token_expired");
  if (claims.trustDomain !== audience.trustDomain) return refused("token_of_other_trust_domain");
  if (claims.cluster !== audience.cluster) return refused("token_of_other_cluster");
  return { kind: "token", claims };
}

function macOf(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function refused(reason: TokenRefusal): CheckedToken {
  return { kind: "refused", reason };
}
