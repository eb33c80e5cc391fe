/**
 * What several replicas of a control plane need of each other to be one CA: a place for its one text, which all of them read and of
 * which one at a time writes the next version, and each other's word on what their sidecars have confirmed. And what they need to be
 * one registry: each other's word on who has registered.
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

/** What another replica says of those who have registered with it. */
export interface ReplicaWord {
  /** Its name. */
  readonly replica: string;
  /** JSON as it was written, another value each time; undefined: it says nothing. */
  readonly registrants: unknown;
  /** It has ended, or was silent for so long that it counts no more. */
  readonly isOver: boolean;
}

/** The other replicas, as a registry sees them. */
export interface RegistryPeers {
  /** From now on they are told `own`, as JSON, and `heard` gets all their words, now and whenever they were read: at `now`, in monotonic ms. */
  tellRegistrants(own: () => unknown, heard: (words: readonly ReplicaWord[], now: number) => void): void;
  /** Own registrants are others than they were: the next exchange comes at once. */
  hurry(): void;
}

/** There are none. */
export const NO_PEERS: Peers = { haveConfirmed: () => true, tell() {} };
