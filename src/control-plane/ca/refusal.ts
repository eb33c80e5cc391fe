/** Every way in which an enrolment can fail, in one table: the word for metrics and logs, the text for people, and whether asking again helps. */

export interface EnrolmentRefusal {
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly isRetriable: boolean;
  /** With the remedy. */
  readonly text: string;
}

export const ENROLMENT_REFUSALS = [
  { code: "csr_too_large", isRetriable: false, text: "the certificate request is larger than 4 KiB" },
  { code: "csr_malformed", isRetriable: false, text: "the certificate request is not PKCS #10 in DER" },
  { code: "csr_key", isRetriable: false, text: "the key is not P-256, or not signed with SHA-256" },
  { code: "csr_signature", isRetriable: false, text: "the certificate request is not signed by its own key" },
  {
    code: "no_evidence",
    isRetriable: false,
    text: "neither a join token nor a certificate of this mesh was shown: make a token with `weft token create`",
  },
  { code: "token_malformed", isRetriable: false, text: "this is not a join token of Weft" },
  {
    code: "token_forged",
    isRetriable: false,
    text: "the join token was not made by this control plane, or was changed: make one with `weft token create`",
  },
  {
    code: "token_expired",
    isRetriable: false,
    text: "the join token has expired: make one with `weft token create`",
  },
  {
    code: "token_of_other_trust_domain",
    isRetriable: false,
    text: "the join token is for another trust domain",
  },
  { code: "token_of_other_cluster", isRetriable: false, text: "the join token is for another cluster" },
  {
    code: "token_used_up",
    isRetriable: false,
    text: "the join token has been used as often as it may be: make one with `weft token create`",
  },
  {
    code: "kubernetes_not_configured",
    isRetriable: false,
    text: "this control plane takes no tokens of Kubernetes: start it with --kubernetes-tokens",
  },
  {
    code: "kubernetes_token_rejected",
    isRetriable: false,
    text: "the cluster does not accept the service account token: it must be projected for the audience weft",
  },
  {
    code: "kubernetes_unavailable",
    isRetriable: true,
    text: "the cluster could not be asked whose token it is",
  },
  {
    code: "control_plane_account",
    isRetriable: false,
    text: "no sidecar may be the control plane",
  },
  {
    code: "certificate_refused",
    isRetriable: false,
    text: "the certificate shown for renewal is not one of a workload of this mesh: enrol with a token",
  },
  { code: "rate_limited", isRetriable: true, text: "this identity has asked for too many certificates" },
  { code: "authority_expired", isRetriable: true, text: "the CA's own certificate is not valid now" },
  { code: "storage_failed", isRetriable: true, text: "the use of the join token could not be stored" },
] as const satisfies readonly EnrolmentRefusal[];

export type EnrolmentRefusalCode = (typeof ENROLMENT_REFUSALS)[number]["code"];

/** The row of a code. */
export function enrolmentRefusal(code: EnrolmentRefusalCode): EnrolmentRefusal {
  const row = ENROLMENT_REFUSALS.find((refusal) => refusal.code === code);
  if (row === undefined) throw new TypeError(`no refusal ${code}`);
  return row;
}
