/** What a peer is to the benchmark: a name, how it is started, and why it may be missing. */
import type { Child } from "../children.ts";

/** What a peer is given: two origins (the 90/10 split) and a directory of its own. */
export interface PeerInput {
  readonly dir: string;
  readonly originA: number;
  readonly originB: number;
}

/** A peer that accepts requests on `port`. */
export interface RunningPeer {
  readonly child: Child;
  readonly port: number;
}

export interface Peer {
  readonly name: string;
  /** Says why the peer cannot run here, or undefined when it can. `fetch` allows installing it (Envoy). */
  missing(fetch: boolean): string | undefined;
  /** Starts it; throws with what it said when it does not come up. */
  start(input: PeerInput): Promise<RunningPeer>;
}

/** The virtual host all peers route. */
export const HOST = "shop";
