/** Something that policy refused or audited, for the log: plain data, which crosses between threads. */
import type { DenialReason } from "./judge.ts";

export interface PolicyDecision {
  readonly action: "denied" | "audited";
  readonly reason: DenialReason;
  /** `AuthorizationPolicy default/web rule 0`. */
  readonly source: string;
  /** Without `spiffe://`; empty: nobody was proven. */
  readonly principal: string;
  readonly address: string;
  /** The application's. */
  readonly port: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
}
