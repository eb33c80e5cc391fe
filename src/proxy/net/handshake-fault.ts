/**
 * Why there is no mutual TLS with a peer: one word each, for metrics and for people. `docs/reference/identity.md` lists what is
 * wrong with certificates, `docs/reference/metrics.md` the rest.
 */
import type { PeerRefusal } from "../../identity/peer.ts";

export type HandshakeFault =
  | PeerRefusal
  /** The server's identity is another than the endpoint's. */
  | "wrong_identity"
  /** This sidecar has no certificate yet, or its own has expired. */
  | "no_own_certificate"
  | "own_certificate_expired"
  /** The client speaks no TLS where it must. */
  | "plaintext"
  | "timeout"
  /** More handshakes are under way than may be. */
  | "too_many"
  /** The peer went away before the handshake was complete. */
  | "closed"
  | "protocol_version"
  | "no_application_protocol"
  | "no_shared_algorithm"
  /** The peer says that it does not accept us. */
  | "alert"
  | "protocol_error";

/** Code of the error that ends a connection whose peer proved to be the wrong one, or nobody. */
export const PEER_REFUSED = "EPEERREFUSED";
/** Code of the error that ends a connection which got no TLS. */
export const TLS_FAILED = "ETLSFAILED";

const BY_CODE: ReadonlyMap<string, HandshakeFault> = new Map([
  ["ERR_SSL_HTTP_REQUEST", "plaintext"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "plaintext"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "plaintext"],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "protocol_version"],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "protocol_version"],
  ["ERR_SSL_NO_APPLICATION_PROTOCOL", "no_application_protocol"],
  ["ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "no_application_protocol"],
  ["ERR_SSL_NO_SHARED_CIPHER", "no_shared_algorithm"],
  ["ERR_SSL_NO_SUITABLE_KEY_SHARE", "no_shared_algorithm"],
  ["ERR_SSL_NO_SUITABLE_GROUPS", "no_shared_algorithm"],
  ["ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM", "no_shared_algorithm"],
  ["ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS", "no_shared_algorithm"],
]);

/** The fault that an error of a socket before the end of its handshake means; null: it was just closed. */
export function handshakeFault(error: NodeJS.ErrnoException | null): HandshakeFault {
  const code = error?.code ?? "";
  const known = BY_CODE.get(code);
  if (known !== undefined) return known;
  if (/^ERR_SSL_.*ALERT/.test(code)) return "alert";
  return code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") ? "protocol_error" : "closed";
}

/** An error for `Sink.onClose`; its message is for people. */
export function connectionError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
