/**
 * The CA of all replicas, in a Secret: of those who start at once the one whose write comes first has made it, since the API server
 * refuses a write over another version. Read again every other second, as the Lease is; a Secret that has lost it is given it back.
 * Installed empty, so that nobody needs the right to create Secrets.
 */

import { randomBytes } from "node:crypto";
import type { Log } from "../../log.ts";
import type { SharedRoot } from "../../shared-root.ts";
import { ApiError, type KubernetesApi } from "./api.ts";
import { isMap, type Json, mapOf, textOf } from "./object.ts";
import { SharedTokenUses } from "./shared-token-uses.ts";

export interface CaSecretOptions {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly name: string;
  readonly isLeader: () => boolean;
  readonly log: Log;
  readonly lookMs?: number;
}

/** Beside `tls.crt` of an operator's, which is no business of ours. */
const KEY = "ca.json";
const TOKEN_KEY = "token-key";
const TOKEN_KEY_BYTES = 32;
const LOOK_MS = 2_000;
/** An object has 1.5 MiB at most. */
const MAX_BYTES = 4 * 1_048_576;
/** Replicas that start at once, with a margin. */
const ATTEMPTS = 10;

export class CaSecret implements SharedRoot {
  readonly #options: CaSecretOptions;
  readonly #path: string;
  readonly tokenUses: SharedTokenUses;
  /** As it stands in the Secret: Base64. */
  #tokenKey = "";
  /** As it was last read or written. */
  #object: Json | undefined;
  #text = "";
  /** Counts writes: what was asked for before one says nothing after it. */
  #writes = 0;
  #reason = "";
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: CaSecretOptions) {
    this.#options = options;
    this.#path = `/api/v1/namespaces/${options.namespace}/secrets`;
    this.tokenUses = new SharedTokenUses(options.api, options.namespace);
  }

  get tokenKey(): Buffer {
    return Buffer.from(this.#tokenKey, "base64");
  }

  async open(make: () => string): Promise<string> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.#object = await this.#read();
      const text = textIn(this.#object);
      const key = keyIn(this.#object);
      if (text !== undefined && key !== undefined) {
        [this.#text, this.#tokenKey] = [text, key];
        return text;
      }
      // A CA that has lost the key of its tokens goes on; the tokens do not.
      this.#tokenKey = key ?? randomBytes(TOKEN_KEY_BYTES).toString("base64");
      const whole = text ?? make();
      if (await this.replace(whole)) return whole;
    }
    throw new Error(`Secret ${this.#options.name} changes all the time`);
  }

  async replace(text: string): Promise<boolean> {
    const { api, name, namespace } = this.#options;
    const data = { [KEY]: Buffer.from(text).toString("base64"), [TOKEN_KEY]: this.#tokenKey };
    const base = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata: { name, namespace } };
    this.#writes++;
    try {
      const written = await (this.#object === undefined
        ? api.send({ method: "POST", path: this.#path, body: { ...base, data } })
        : api.send({
            method: "PUT",
            path: `${this.#path}/${name}`,
            body: { ...this.#object, data: { ...mapOf(this.#object["data"]), ...data } },
          }));
      this.#object = isMap(written) ? written : undefined;
      this.#text = text;
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) return false;
      if (error instanceof ApiError && error.status === 403) {
        throw new Error(`the CA can't be written into Secret ${namespace}/${name}: ${error.message}`);
      }
      throw error;
    } finally {
      this.#writes++;
    }
  }

  follow(changed: (text: string) => void): void {
    const look = async (): Promise<void> => {
      const reason = await this.#look(changed).then(
        () => "",
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      if (reason !== "" && reason !== this.#reason && !this.#isClosed)
        this.#options.log.warn({ reason }, "the CA's Secret can't be read or written; the CA stays as it is");
      this.#reason = reason;
      if (!this.#isClosed) this.#timer = setTimeout(look, this.#options.lookMs ?? LOOK_MS).unref();
    };
    this.#timer = setTimeout(look, this.#options.lookMs ?? LOOK_MS).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #look(changed: (text: string) => void): Promise<void> {
    const writes = this.#writes;
    const object = await this.#read();
    if (writes !== this.#writes || this.#isClosed) return;
    const text = textIn(object);
    this.#object = object;
    if (text === undefined) {
      if (this.#options.isLeader()) await this.replace(this.#text);
    } else if (text !== this.#text) {
      this.#text = text;
      changed(text);
    }
  }

  async #read(): Promise<Json | undefined> {
    const { api, name } = this.#options;
    try {
      const object = await api.send({ path: `${this.#path}/${name}`, maxBytes: MAX_BYTES });
      return isMap(object) ? object : undefined;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }
}

function keyIn(object: Json | undefined): string | undefined {
  const encoded = textOf(mapOf(object?.["data"])[TOKEN_KEY]) ?? "";
  return Buffer.from(encoded, "base64").length === TOKEN_KEY_BYTES ? encoded : undefined;
}

function textIn(object: Json | undefined): string | undefined {
  const encoded = textOf(mapOf(object?.["data"])[KEY]);
  return encoded === undefined || encoded === ""
    ? undefined
    : Buffer.from(encoded, "base64").toString("utf8");
}
