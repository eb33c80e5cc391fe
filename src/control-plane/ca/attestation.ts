/**
 * Who asks for a certificate, and how we know: a join token, a service account token that its cluster has reviewed, or the
 * certificate that it already has. The answer is the only source of the identity that gets signed.
 */
import { checkLeaf } from "../../identity/leaf-check.ts";
import type { WorkloadId } from "../../identity/spiffe-id.ts";
import { implausible, type ReviewToken } from "./service-account-token.ts";
import type { TokenClaims, TokenRefusal } from "./token.ts";
import type { TokenBook } from "./token-book.ts";

export type Evidence =
  | { readonly kind: "join_token"; readonly token: string }
  | { readonly kind: "kubernetes_token"; readonly token: string }
  /** The client certificate of the connection that asks, as DER. Its chain has been verified in the handshake. */
  | { readonly kind: "certificate"; readonly leaf: Uint8Array }
  /** Nothing was shown, or a certificate that leads to no trusted root. */
  | { readonly kind: "none" };

export type Attested = {
  readonly kind: "attested";
  readonly workload: WorkloadId;
} & (
  | { readonly by: "join_token"; readonly claims: TokenClaims }
  /** `pod`: that the token was made for, as far as the cluster tells. */
  | { readonly by: "kubernetes_token"; readonly pod: string }
  /** `serial`: of the certificate shown. */
  | { readonly by: "certificate"; readonly serial: string }
);

export type AttestationRefusal =
  | TokenRefusal
  | "certificate_refused"
  | "no_evidence"
  | "kubernetes_not_configured"
  | "kubernetes_token_rejected"
  | "kubernetes_unavailable";

export type Attestation =
  | Attested
  | { readonly kind: "refused"; readonly reason: AttestationRefusal; readonly detail?: string };

export interface Attestors {
  readonly trustDomain: string;
  readonly tokens: TokenBook;
  /** Absent: tokens of Kubernetes are no evidence here. */
  readonly reviewToken?: ReviewToken;
}

/** Checks evidence at `now` (ms since 1970); uses nothing up. */
export async function attest(evidence: Evidence, attestors: Attestors, now: number): Promise<Attestation> {
  const { tokens, trustDomain } = attestors;
  switch (evidence.kind) {
    case "none":
      return { kind: "refused", reason: "no_evidence" };
    case "join_token": {
      const checked = tokens.check(evidence.token, now);
      if (checked.kind === "refused") return checked;
      const { claims } = checked;
      const { namespace, serviceAccount } = claims;
      const workload = { trustDomain, namespace, serviceAccount };
      return { kind: "attested", by: "join_token", workload, claims };
    }
    case "kubernetes_token":
      return await attestAccount(evidence.token, attestors, now);
    case "certificate": {
      const verdict = checkLeaf(evidence.leaf, { trustDomain, role: "client", now });
      if (verdict.kind === "refused") {
        return { kind: "refused", reason: "certificate_refused", detail: verdict.reason };
      }
      const { workload, certificate } = verdict;
      return { kind: "attested", by: "certificate", workload, serial: certificate.serial };
    }
  }
}

async function attestAccount(token: string, attestors: Attestors, now: number): Promise<Attestation> {
  const { reviewToken, trustDomain } = attestors;
  if (reviewToken === undefined) return { kind: "refused", reason: "kubernetes_not_configured" };
  const fault = implausible(token, now);
  const review =
    fault === undefined ? await reviewToken(token) : { kind: "rejected" as const, detail: fault };
  switch (review.kind) {
    case "reviewed":
      return {
        kind: "attested",
        by: "kubernetes_token",
        workload: { trustDomain, ...review.account },
        pod: review.pod,
      };
    case "rejected":
      return { kind: "refused", reason: "kubernetes_token_rejected", detail: review.detail };
    case "unavailable":
      return { kind: "refused", reason: "kubernetes_unavailable", detail: review.detail };
  }
}
