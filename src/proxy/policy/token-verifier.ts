/**
 * Whether a token is right, by `jose`, which is loaded with the first token: signature by a key of its issuer, algorithm, issuer,
 * audience, times (RFC 7519, RFC 8725). What a token says of itself decides nothing but which rule is asked.
 */
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import type { TokenRule } from "../../discovery/policy.ts";

/** RFC 8725 §3.1: nothing else is tried, whatever the token names. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];
/** Envoy's: clocks differ. */
export const CLOCK_TOLERANCE_S = 60;

type Jose = typeof import("jose");
let loading: Promise<Jose> | undefined;

export type Verdict =
  | { readonly kind: "right"; readonly rule: TokenRule; readonly claims: JWTPayload }
  | { readonly kind: "wrong"; readonly reason: string };

/** `rules`: those that believe tokens from where it was. Never rejects. */
export async function verifyToken(token: string, rules: readonly TokenRule[]): Promise<Verdict> {
  try {
    loading ??= import("jose");
    return await verify(await loading, token, rules);
  } catch {
    loading = undefined;
    return { kind: "wrong", reason: "it could not be verified" };
  }
}

async function verify(jose: Jose, token: string, rules: readonly TokenRule[]): Promise<Verdict> {
  const issuer = issuerOf(jose, token);
  if (issuer === undefined) return { kind: "wrong", reason: "it is no JSON Web Token" };
  const [first, ...more] = rules.filter((rule) => rule.issuer === issuer);
  if (first === undefined) return { kind: "wrong", reason: "nobody here believes its issuer" };
  let verdict = await byRule(jose, token, first);
  for (const rule of more) {
    if (verdict.kind === "right") break;
    verdict = await byRule(jose, token, rule);
  }
  return verdict;
}

function issuerOf(jose: Jose, token: string): string | undefined {
  try {
    const { iss } = jose.decodeJwt(token);
    return typeof iss === "string" ? iss : "";
  } catch {
    return undefined;
  }
}

async function byRule(jose: Jose, token: string, rule: TokenRule): Promise<Verdict> {
  if (rule.jwks === "") return { kind: "wrong", reason: "the keys of its issuer have not been fetched" };
  const { issuer, audiences } = rule;
  const options = {
    algorithms: ALGORITHMS,
    issuer,
    clockTolerance: CLOCK_TOLERANCE_S,
    ...(audiences === undefined ? {} : { audience: [...audiences] }),
  };
  try {
    const keys = jose.createLocalJWKSet(JSON.parse(rule.jwks));
    try {
      const { payload } = await jose.jwtVerify(token, keys, options);
      return { kind: "right", rule, claims: payload };
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw error;
      return await byEach(jose, token, rule, options, error);
    }
  } catch (error) {
    return { kind: "wrong", reason: reasonOf(jose, error) };
  }
}

/** The token names no key, and several would do. */
async function byEach(
  jose: Jose,
  token: string,
  rule: TokenRule,
  options: Parameters<Jose["jwtVerify"]>[2],
  keys: AsyncIterable<Awaited<ReturnType<JWTVerifyGetKey>>>,
): Promise<Verdict> {
  let last: unknown;
  for await (const key of keys) {
    try {
      const { payload } = await jose.jwtVerify(token, key, options);
      return { kind: "right", rule, claims: payload };
    } catch (error) {
      last = error;
      if (!(error instanceof jose.errors.JWSSignatureVerificationFailed)) break;
    }
  }
  return { kind: "wrong", reason: reasonOf(jose, last) };
}

function reasonOf({ errors }: Jose, error: unknown): string {
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `its ${error.claim} is wrong`;
  if (error instanceof errors.JOSEAlgNotAllowed) return "its algorithm is not RS256, ES256 or EdDSA";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  if (error instanceof errors.JWKSNoMatchingKey) return "its issuer has no such key";
  return "it is malformed";
}
