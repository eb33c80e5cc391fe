/**
 * Enrolment on the wire: one unary gRPC method beside the stream, on the same port. It is there for a sidecar that has no
 * certificate yet, so everything in it is a stranger's until the control plane has looked at the evidence.
 */

/** Full method name. */
export const ENROL_METHOD = "/weft.identity.v1.Identity/Enrol";
/** A larger request is refused unread: a CSR has 4 KiB at most, a join token 2 KiB, one of Kubernetes 8 KiB. */
export const MAX_ENROL_BYTES = 16 * 1_024;
/** Trailers of a refusal: its word, and after how many milliseconds to ask again. */
export const REASON_TRAILER = "weft-reason";
export const RETRY_TRAILER = "weft-retry-after-ms";

export interface EnrolRequest {
  /** PKCS #10 as DER in Base64. */
  readonly csr: string;
  /** A join token. Neither token: the client certificate of the connection says who asks. */
  readonly token?: string;
  /** A service account token of Kubernetes for the audience `weft`. */
  readonly kubernetesToken?: string;
}

export interface EnrolAnswer {
  /** Leaf first, without the root, as PEM. */
  readonly chain: string;
  /** Roots to trust, as PEM. */
  readonly bundle: string;
  /** End of the certificate, milliseconds since 1970. */
  readonly notAfter: number;
}

export interface EnrolRefusal {
  /** A word of docs/reference/identity.md. */
  readonly reason: string;
  /** For people, with the remedy. */
  readonly text: string;
  readonly isRetriable: boolean;
  readonly retryAfterMs?: number;
}

export type EnrolResult =
  | { readonly kind: "issued"; readonly answer: EnrolAnswer }
  | { readonly kind: "refused"; readonly refusal: EnrolRefusal };

/** Reads a stranger's request; undefined for what is none. */
export function readEnrolRequest(bytes: Uint8Array): EnrolRequest | undefined {
  const value = readObject(bytes, MAX_ENROL_BYTES);
  const { csr, token, kubernetesToken } = value ?? {};
  if (typeof csr !== "string") return undefined;
  if (token !== undefined) return typeof token === "string" ? { csr, token } : undefined;
  if (kubernetesToken === undefined) return { csr };
  return typeof kubernetesToken === "string" ? { csr, kubernetesToken } : undefined;
}

/** Reads the control plane's answer; undefined for what is none. */
export function readEnrolAnswer(bytes: Uint8Array, maxBytes: number): EnrolAnswer | undefined {
  const { chain, bundle, notAfter } = readObject(bytes, maxBytes) ?? {};
  if (typeof chain !== "string" || typeof bundle !== "string" || typeof notAfter !== "number")
    return undefined;
  return { chain, bundle, notAfter };
}

function readObject(bytes: Uint8Array, maxBytes: number): Readonly<Record<string, unknown>> | undefined {
  if (bytes.length > maxBytes) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
