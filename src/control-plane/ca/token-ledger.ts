/**
 * How often each join token has been used, on the disk before a use counts as accepted: a control plane that is killed and
 * started again takes no token once too often. Lines are appended and flushed in groups, so that a thousand sidecars that
 * start together wait for a few flushes, not for a thousand. A line is `<id> <expiry> <uses>`; expired ones go at the next
 * rewriting.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { Redeemed, TokenUses } from "../token-uses.ts";
import { createPrivateFile, readPrivateFile, replacePrivateFile } from "./private-file.ts";

/** Tokens that are remembered at once; beyond, uses are refused. 16 MB at most. */
const MAX_TOKENS = 100_000;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Not worth a rewriting below. */
const MIN_LINES_TO_REWRITE = 4096;
const LINE = /^([0-9a-f]{32}) (\d{1,16}) (\d{1,9})$/;

export type OpenedLedger =
  | { readonly kind: "ledger"; readonly ledger: TokenLedger }
  | { readonly kind: "unusable"; readonly reason: string };

interface Uses {
  readonly expiresAt: number;
  /** Accepted, or about to be. */
  used: number;
  /** Of those, on the disk. */
  stored: number;
}

interface Waiting {
  readonly line: string;
  readonly entry: Uses;
  readonly done: (isStored: boolean) => void;
}

export class TokenLedger implements TokenUses {
  readonly #path: string;
  readonly #uses: Map<string, Uses>;
  #file: FileHandle | undefined;
  #lines: number;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  private constructor(path: string, uses: Map<string, Uses>) {
    this.#path = path;
    this.#uses = uses;
    this.#lines = uses.size;
  }

  /** Opens the ledger, making it where there is none, in a directory that `preparePrivateDirectory` has seen. Throws the system's errors. */
  static open(path: string, now: number): OpenedLedger {
    createPrivateFile(path, "");
    const file = readPrivateFile(path, MAX_FILE_BYTES);
    if (file.kind !== "text") {
      return { kind: "unusable", reason: `${path}: ${file.kind === "none" ? "vanished" : file.reason}` };
    }
    const uses = parseLedger(file.text);
    if (uses === undefined) return { kind: "unusable", reason: `${path}: damaged` };
    const ledger = new TokenLedger(path, uses);
    // Also removes a last line that a crash has cut short, which would spoil the one after it.
    ledger.#rewrite(now);
    return { kind: "ledger", ledger };
  }

  /** Counts one use of a token that may be used `uses` times; resolves when the count is on the disk. */
  async redeem(id: string, expiresAt: number, uses: number, now: number): Promise<Redeemed> {
    const entry = this.#uses.get(id) ?? { expiresAt, used: 0, stored: 0 };
    if (entry.used >= uses) return "token_used_up";
    if (!this.#uses.has(id) && this.#uses.size >= MAX_TOKENS) {
      this.#forgetExpired(now);
      if (this.#uses.size >= MAX_TOKENS) return "storage_failed";
    }
    // Before anything is awaited, so that of two who come at once only one gets the last use.
    entry.used++;
    this.#uses.set(id, entry);
    const isStored = await new Promise<boolean>((done) => {
      this.#waiting.push({ line: `${id} ${expiresAt} 1\n`, entry, done });
      this.#flushing ??= this.#flush(now);
    });
    if (isStored) return "redeemed";
    entry.used--;
    return "storage_failed";
  }

  /** Resolves when what was asked for is stored and the file closed. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #flush(now: number): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const isStored = await this.#append(group.map(({ line }) => line).join(""), group.length, now);
      for (const { entry, done } of group) {
        if (isStored) entry.stored++;
        done(isStored);
      }
    }
    this.#flushing = undefined;
  }

  async #append(text: string, lines: number, now: number): Promise<boolean> {
    try {
      if (this.#lines > Math.max(MIN_LINES_TO_REWRITE, 2 * this.#uses.size)) {
        await this.#file?.close();
        this.#file = undefined;
        this.#rewrite(now);
      }
      this.#file ??= await open(this.#path, "a", 0o600);
      const { size } = await this.#file.stat();
      try {
        await this.#file.appendFile(text);
        await this.#file.datasync();
      } catch (error) {
        // A part of the lines may have been written (a full disk): none of them counts.
        await this.#file.truncate(size);
        throw error;
      }
      this.#lines += lines;
      return true;
    } catch {
      return false;
    }
  }

  #rewrite(now: number): void {
    this.#forgetExpired(now);
    const lines = [...this.#uses]
      .filter(([, { stored }]) => stored > 0)
      .map(([id, { expiresAt, stored }]) => `${id} ${expiresAt} ${stored}\n`);
    replacePrivateFile(this.#path, lines.join(""));
    this.#lines = lines.length;
  }

  #forgetExpired(now: number): void {
    for (const [id, { expiresAt }] of this.#uses) if (expiresAt <= now) this.#uses.delete(id);
  }
}

/** Undefined where a whole line is not ours. A last line without its end was never acknowledged. */
function parseLedger(text: string): Map<string, Uses> | undefined {
  const uses = new Map<string, Uses>();
  const lines = text.split("\n");
  lines.pop();
  for (const line of lines) {
    const [, id, expiresAt, used] = LINE.exec(line) ?? [];
    if (id === undefined) return undefined;
    const entry = uses.get(id) ?? { expiresAt: Number(expiresAt), used: 0, stored: 0 };
    entry.used += Number(used);
    entry.stored = entry.used;
    uses.set(id, entry);
  }
  return uses;
}
