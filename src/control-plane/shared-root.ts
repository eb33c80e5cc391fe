/**
 * What several replicas of a control plane need of each other to be one CA: a place for its one text, which all of them read and of
 * which one at a time writes the next version, and each other's word on what their sidecars have confirmed.
 */
import type { TokenUses } from "./token-uses.ts";

/** Where the CA's one text is kept (`ca/root-file.ts`). */
export interface RootStore {
  /**
   * Resolves when it stands there for good; with false where somebody else has replaced what was read. Rejects where it can't be
   * written.
   */
  replace(text: string): Promise<boolean>;
}

/** One that other replicas write to, too. */
export interface SharedRoot extends RootStore {
  /** What stands there; where nothing does, what `make` gives, unless another replica is faster. Rejects where neither can be had. */
  open(make: () => string): Promise<string>;
  /** What join tokens are made with, 32 bytes; known when it is open. */
  readonly tokenKey: Buffer;
  /** Where their uses are counted. */
  readonly tokenUses: TokenUses;
  /** Calls with each text that another replica has written, until `close`. */
  follow(changed: (text: string) => void): void;
  close(): void;
}

/** The other replicas. */
export interface Peers {
  /** Whether all sidecars of all of them have this version of the mesh's secret. */
  haveConfirmed(version: string): boolean;
  /** From now on they are told how far ours are. */
  tell(own: () => Confirmed): void;
}

export interface Confirmed {
  /** Of the mesh's secret. */
  readonly version: string;
  /** How many sidecars do not have it yet. */
  readonly lacking: number;
}

/** There are none. */
export const NO_PEERS: Peers = { haveConfirmed: () => true, tell() {} };
