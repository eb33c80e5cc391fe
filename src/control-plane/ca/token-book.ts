/** The join tokens of a control plane: its secret and the count of uses, in the CA's directory or where replicas share the CA. */
import { join } from "node:path";
import type { Redeemed, TokenUses } from "../token-uses.ts";
import { createPrivateFile, preparePrivateDirectory, readPrivateFile } from "./private-file.ts";
import {
  type CheckedToken,
  checkToken,
  makeToken,
  makeTokenKey,
  type TokenAudience,
  type TokenClaims,
} from "./token.ts";
import { TokenLedger } from "./token-ledger.ts";

const KEY_FILE = "token-key";
const LEDGER_FILE = "token-uses";
const MAX_KEY_FILE_BYTES = 1024;

export type OpenedTokenBook =
  | { readonly kind: "book"; readonly book: TokenBook }
  | { readonly kind: "unusable"; readonly reason: string };

/** Whom a token is for; see `TokenClaims`. */
export type TokenWish = Pick<TokenClaims, "namespace" | "serviceAccount" | "expiresAt" | "uses">;

export class TokenBook {
  readonly #key: Buffer;
  readonly #uses: TokenUses;
  readonly #audience: TokenAudience;

  private constructor(key: Buffer, uses: TokenUses, audience: TokenAudience) {
    this.#key = key;
    this.#uses = uses;
    this.#audience = audience;
  }

  /** Opens the book in `directory`, making what is not there. Throws the system's errors. */
  static open(directory: string, audience: TokenAudience, now: number): OpenedTokenBook {
    preparePrivateDirectory(directory);
    const path = join(directory, KEY_FILE);
    createPrivateFile(path, `${makeTokenKey().toString("hex")}\n`);
    const file = readPrivateFile(path, MAX_KEY_FILE_BYTES);
    if (file.kind !== "text" || !/^[0-9a-f]{64}\n$/.test(file.text)) {
      return { kind: "unusable", reason: `${path}: ${file.kind === "unusable" ? file.reason : "damaged"}` };
    }
    const opened = TokenLedger.open(join(directory, LEDGER_FILE), now);
    if (opened.kind === "unusable") return opened;
    const key = Buffer.from(file.text.trimEnd(), "hex");
    return { kind: "book", book: new TokenBook(key, opened.ledger, audience) };
  }

  /** The book of all replicas. `key`: at least 32 bytes. */
  static shared(key: Buffer, uses: TokenUses, audience: TokenAudience): TokenBook {
    return new TokenBook(key, uses, audience);
  }

  /** A token for this mesh. Throws a RangeError where the wish is out of range. */
  make(wish: TokenWish, now: number): string {
    return makeToken(this.#key, { ...this.#audience, ...wish }, now);
  }

  /** Whether a token is good here and now; it is not used up by this. */
  check(token: string, now: number): CheckedToken {
    return checkToken(this.#key, token, this.#audience, now);
  }

  /** Takes one use of a checked token. */
  redeem({ id, expiresAt, uses }: TokenClaims, now: number): Promise<Redeemed> {
    return this.#uses.redeem(id, expiresAt, uses, now);
  }

  close(): Promise<void> {
    return this.#uses.close();
  }
}
