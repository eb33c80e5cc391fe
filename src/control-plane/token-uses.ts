/** Where uses of join tokens are counted: on this machine's disk (`ca/token-ledger.ts`), or where replicas share it. */

export type Redeemed = "redeemed" | "token_used_up" | "storage_failed";

export interface TokenUses {
  /** Counts one use of a token that may be used `uses` times until `expiresAt`; resolves when the count is kept for good. */
  redeem(id: string, expiresAt: number, uses: number, now: number): Promise<Redeemed>;
  /** Resolves when what was asked for is kept. */
  close(): Promise<void>;
}
