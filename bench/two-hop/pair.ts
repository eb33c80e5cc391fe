/**
 * A pair of proxies as two sidecars would be: the client asks the outbound one, which asks the inbound one over mutual
 * TLS, which asks the origin. Both halves share the proxies' CPU, and each is charged for itself.
 */
import type { Child } from "../children.ts";

/** What a pair is started with. */
export interface PairInput {
  /** A directory of its own. */
  readonly dir: string;
  readonly originPort: number;
}

export interface RunningPair {
  readonly outbound: Child;
  readonly inbound: Child;
  /** Where clients ask, in plain HTTP. */
  readonly port: number;
  /** Where the outbound half asks, with mutual TLS. */
  readonly inboundPort: number;
  /** JSON of what a TLS client needs whom the inbound half admits: key, cert, ca. */
  readonly clientFile: string;
}

export interface Pair {
  readonly name: string;
  /** Why it cannot run here; `fetch` allows installing it (Envoy). */
  missing(fetch: boolean): string | undefined;
  /** Starts both halves; throws with what they said when they do not come up. */
  start(input: PairInput): Promise<RunningPair>;
}
