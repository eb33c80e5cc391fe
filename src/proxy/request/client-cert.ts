/**
 * `x-forwarded-client-cert` as Envoy writes it: whose sidecar this is, and the certificate and URI of the client. SPIFFE ids hold
 * none of the bytes that would need quoting (SPIFFE-ID §2).
 */

/** The whole field. `hash`: SHA-256 of the client's certificate, lower-case hexadecimal. */
export function clientCertField(by: string, hash: string, uri: string): Buffer {
  return Buffer.from(`x-forwarded-client-cert: By=${by};Hash=${hash};URI=${uri}\r\n`, "latin1");
}
