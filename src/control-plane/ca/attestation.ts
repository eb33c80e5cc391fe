/**
 * Who asks for a certificate, and how we know: a join token, or the certificate that it already has. The answer is the
 * only source of the identity that gets signed.
 */
import { checkLeaf } from "../../identity/leaf-check.ts";
import type { WorkloadId } from "../../identity/spiffe-id.ts";
import type { TokenClaims, TokenRefusal } from "./token.ts";
import type { TokenBook } from "./token-book.ts";

export type Evidence =
  | { readonly kind: "join_token"; readonly token: string }
  /** The client certificate of the connection that asks, as DER. Its chain has been verified in the handshake. */
  | { readonly kind: "certificate"; readonly leaf: Uint8Array }
  /** Nothing was shown, or a certificate that leads to no trusted root. */
  | { readonly kind: "none" };

export type Attested = {
  readonly kind: "attested";
  readonly workload: WorkloadId;
} & (
  | { readonly by: "join_token"; readonly claims: TokenClaims }
  /** `serial`: of the certificate shown. */
  | { readonly by: "certificate"; readonly serial: string }
);

export type AttestationRefusal = TokenRefusal | "certificate_refused" | "no_evidence";

export type Attestation =
  | Attested
  | { readonly kind: "refused"; readonly reason: AttestationRefusal; readonly detail?: string };

/** Checks evidence at `now` (ms since 1970); uses nothing up. */
export function attest(evidence: Evidence, tokens: TokenBook, trustDomain: string, now: number): Attestation {
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
