/**
 * Uses of join tokens, counted by all replicas in one ConfigMap: a use counts when the API server has taken the object with it, which it
 * does not over another version. Uses that come together are written together, and expired tokens go with the next write. Without an
 * API server nothing is redeemed: who could know what the others have taken?
 */
import type { Redeemed, TokenUses } from "../../token-uses.ts";
import { ApiError, type KubernetesApi, sendWithin } from "./api.ts";
import { isMap, type Json, mapOf } from "./object.ts";

export const TOKEN_USES_NAME = "weft-token-uses";
/** An object has 1.5 MiB at most; a token takes some 60 bytes. */
const MAX_TOKENS = 10_000;
/** Replicas that write at once, with a margin. */
const ATTEMPTS = 20;
/** How long one request may take: those that come later wait for it, and sidecars that have waited too long ask for another use. */
const TRY_MS = 5_000;
const ENTRY = /^(\d{1,16}) (\d{1,9})$/;

interface Waiting {
  readonly id: string;
  readonly expiresAt: number;
  readonly uses: number;
  readonly done: (redeemed: Redeemed) => void;
}

export class SharedTokenUses implements TokenUses {
  readonly #send: KubernetesApi["send"];
  readonly #namespace: string;
  readonly #path: string;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  constructor(api: KubernetesApi, namespace: string, tryMs = TRY_MS) {
    this.#send = sendWithin(api, tryMs);
    this.#namespace = namespace;
    this.#path = `/api/v1/namespaces/${namespace}/configmaps`;
  }

  redeem(id: string, expiresAt: number, uses: number, now: number): Promise<Redeemed> {
    return new Promise((done) => {
      this.#waiting.push({ id, expiresAt, uses, done });
      this.#flushing ??= this.#flush(now);
    });
  }

  async close(): Promise<void> {
    await this.#flushing;
  }

  async #flush(now: number): Promise<void> {
    // What comes in the same turn is written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const outcomes = await this.#count(group, now).catch(() => undefined);
      for (const [i, { done }] of group.entries()) done(outcomes?.[i] ?? "storage_failed");
    }
    this.#flushing = undefined;
  }

  /** The outcome of each; undefined where others were always faster. Rejects where it can't be read or written. */
  async #count(group: readonly Waiting[], now: number): Promise<readonly Redeemed[] | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const object = await this.#read();
      const { data, outcomes } = redeemAll(mapOf(object?.["data"]), group, now);
      if (!outcomes.includes("redeemed") || (await this.#write(object, data))) return outcomes;
    }
    return undefined;
  }

  async #write(object: Json | undefined, data: Readonly<Record<string, string>>): Promise<boolean> {
    const metadata = { name: TOKEN_USES_NAME, namespace: this.#namespace };
    const request =
      object === undefined
        ? {
            method: "POST" as const,
            path: this.#path,
            body: { apiVersion: "v1", kind: "ConfigMap", metadata, data },
          }
        : {
            method: "PUT" as const,
            path: `${this.#path}/${TOKEN_USES_NAME}`,
            body: { ...object, data },
          };
    try {
      await this.#send(request);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) return false;
      throw error;
    }
  }

  async #read(): Promise<Json | undefined> {
    try {
      const object = await this.#send({ path: `${this.#path}/${TOKEN_USES_NAME}` });
      return isMap(object) ? object : undefined;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }
}

function redeemAll(stored: Json, group: readonly Waiting[], now: number) {
  const data: Record<string, string> = {};
  for (const [id, entry] of Object.entries(stored)) {
    const [, expiresAt = "0"] = (typeof entry === "string" && ENTRY.exec(entry)) || [];
    if (Number(expiresAt) > now) data[id] = String(entry);
  }
  let count = Object.keys(data).length;
  const outcomes = group.map(({ id, expiresAt, uses }): Redeemed => {
    const known = data[id];
    const used = Number(ENTRY.exec(known ?? "")?.[2] ?? 0);
    if (used >= uses) return "token_used_up";
    if (known === undefined && ++count > MAX_TOKENS) return "storage_failed";
    data[id] = `${expiresAt} ${used + 1}`;
    return "redeemed";
  });
  return { data, outcomes };
}
