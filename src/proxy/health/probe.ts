/** One question to one endpoint, whatever it is asked by. */
import type { EndpointResource } from "../../discovery/messages.ts";
import type { Session } from "../net/tls-connect.ts";

export type Outcome =
  | { readonly kind: "pass" }
  /** `reason` is for people: `HTTP 503`, `ECONNREFUSED`. */
  | { readonly kind: "fail"; readonly reason: string }
  /** This sidecar could not ask, e.g. has no certificate yet: it says nothing of the endpoint. */
  | { readonly kind: "unknown"; readonly reason: string };

export interface Target {
  readonly endpoint: EndpointResource;
  /** The latest TLS session with it. */
  session: Session | null;
}

/**
 * Asks. `done` is never called before this returns, and only its first call counts. The result gives up what is under way; it must
 * be called at the end in any case, because it closes what has been opened.
 */
export type Probe = (target: Target, done: (outcome: Outcome) => void) => () => void;
