/** Why there is no connection to an endpoint, from the error that it ended with. */
import { PEER_REFUSED, TLS_FAILED } from "../net/handshake-fault.ts";
import { LOOP } from "../net/own-address.ts";
import type { CauseCode } from "./cause.ts";

/** The cause for a connection that could not be opened. */
export function connectCause(error: NodeJS.ErrnoException | null): CauseCode {
  switch (error?.code) {
    case LOOP:
      return "loop_detected";
    case PEER_REFUSED:
      return "peer_refused";
    case TLS_FAILED:
      return "tls_failure";
    default:
      return "connect_failure";
  }
}

/** What is known of it beside the cause. */
export function connectDetail(error: NodeJS.ErrnoException | null): string {
  if (error === null) return "";
  return error.code === PEER_REFUSED || error.code === TLS_FAILED ? error.message : (error.code ?? "");
}
