/**
 * A service account token of Kubernetes (a projected one, for the audience `weft`), as evidence of who asks. What it says is
 * believed only of the cluster that reviews it; here it is looked at to spare the cluster what can't be right.
 */
import type { WorkloadId } from "../../identity/spiffe-id.ts";

/** The audience that a token must be for. */
export const TOKEN_AUDIENCE = "weft";
/** A projected token has about 1,200 bytes. */
const MAX_TOKEN_BYTES = 8 * 1_024;
const SUBJECT = /^system:serviceaccount:([a-z0-9]([-a-z0-9]*[a-z0-9])?):([a-z0-9]([-a-z0-9.]*[a-z0-9])?)$/;

export type Account = Pick<WorkloadId, "namespace" | "serviceAccount">;

export type TokenReview =
  /** `pod`: for the audit, where the cluster tells it. */
  | { readonly kind: "reviewed"; readonly account: Account; readonly pod: string }
  /** The cluster does not know the token, or not for this audience. */
  | { readonly kind: "rejected"; readonly detail: string }
  /** No answer from the cluster. */
  | { readonly kind: "unavailable"; readonly detail: string };

/** Asks a cluster whose token it is. Never rejects. */
export type ReviewToken = (token: string) => Promise<TokenReview>;

/** Namespace and name of `system:serviceaccount:NAMESPACE:NAME`; undefined for anybody else. */
export function accountOf(user: string): Account | undefined {
  const match = SUBJECT.exec(user);
  const [namespace, serviceAccount] = [match?.[1], match?.[3]];
  return namespace === undefined || serviceAccount === undefined ? undefined : { namespace, serviceAccount };
}

/** Why no cluster would accept a token at `now` (ms since 1970); undefined where one may. */
export function implausible(token: string, now: number): string | undefined {
  const parts = token.split(".");
  if (token.length > MAX_TOKEN_BYTES || parts.length !== 3) return "not a JSON Web Token";
  const { sub, aud, exp } = claimsOf(parts[1] ?? "");
  if (typeof sub !== "string" || accountOf(sub) === undefined) return "not of a service account";
  if (![aud].flat().includes(TOKEN_AUDIENCE)) return `not for the audience ${TOKEN_AUDIENCE}`;
  return typeof exp === "number" && exp * 1_000 < now ? "expired" : undefined;
}

function claimsOf(part: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
