/**
 * All objects of one kind as the API server has them, kept so by list and watch:
 *
 *     list ──▶ watch ──ended──▶ watch (from the last version seen)
 *      ▲         │
 *      └─ 410 ───┘  garbage, a line too long, a server that has gone back: what was seen can't be trusted
 *
 * While the server can't be reached everything stays as it was, and so it does while a list that has lost most of what was there
 * waits to be confirmed (`shrinkage.ts`). Only what `decode` makes of an object is kept.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ApiError, type KubernetesApi } from "./api.ts";
import { type BackOff, backOffMs } from "./back-off.ts";
import { hasGoneBack, type Listed, listAll } from "./list.ts";
import { type Json, keyOf, metadataOf, textOf } from "./object.ts";
import { confirms, isSuspicious, type Shrinkage } from "./shrinkage.ts";
import { EXPIRED, watchOnce } from "./watch.ts";

export interface Timing extends BackOff {
  /** Until a list that has lost most of what was there is read again. */
  readonly confirmMs: number;
  /** Until it is asked again whether the cluster knows the kind. */
  readonly unknownMs: number;
}

export const TIMING: Timing = { firstMs: 250, longestMs: 15_000, confirmMs: 5_000, unknownMs: 30_000 };

/** A watch that lived for so long was no failure, even if nothing happened: what stands before an API server ends them as it likes. */
const LONG_MS = 1_000;

export interface Versioned {
  /** resourceVersion of the object. */
  readonly version: string;
}

export type InformerState =
  /** Nothing has been read yet. */
  | { readonly kind: "starting" }
  | { readonly kind: "live" }
  /** The cluster has no such kind: its definition is not installed. */
  | { readonly kind: "unknown" }
  /** What is there is as old as the failure. */
  | { readonly kind: "failing"; readonly reason: string }
  /** A list that is not believed yet. */
  | { readonly kind: "held"; readonly before: number; readonly left: number };

export interface InformerOptions<T extends Versioned> {
  readonly api: KubernetesApi;
  /** `/api/v1/services`. */
  readonly path: string;
  /** What is kept of an object; undefined: nothing. Must not throw. `old`: what was kept of it before. */
  readonly decode: (object: Json, key: string, version: string, old: T | undefined) => T | undefined;
  /** After each change of `records`; of equal content too. */
  readonly changed: (key: string, before: T | undefined, after: T | undefined) => void;
  readonly stateChanged: (state: InformerState) => void;
  readonly timing?: Timing;
  readonly random?: () => number;
}

export class Informer<T extends Versioned> {
  readonly #options: InformerOptions<T>;
  readonly #timing: Timing;
  readonly #random: () => number;
  readonly #records = new Map<string, T>();
  readonly #closed = new AbortController();
  #state: InformerState = { kind: "starting" };
  #isSynced = false;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#timing = options.timing ?? TIMING;
    this.#random = options.random ?? Math.random;
  }

  /** By `<namespace>/<name>`. */
  get records(): ReadonlyMap<string, T> {
    return this.#records;
  }

  get state(): InformerState {
    return this.#state;
  }

  /** Whether everything has been read once. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Lists and watches until `close`. */
  async run(): Promise<void> {
    const { signal } = this.#closed;
    const { api, path } = this.#options;
    let version: string | undefined;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (version === undefined) {
          const listed = await this.#list();
          if (listed.kind === "unknown") {
            this.#enter(listed);
            await this.#sleep(this.#timing.unknownMs);
            continue;
          }
          version = listed.version;
        } else if (await hasGoneBack(api, path, version, signal)) {
          version = undefined;
          continue;
        }
        const began = performance.now();
        const from: string = version;
        const end = await this.#watch(version, (seen) => {
          version = seen;
        });
        const isProgress = version !== from || performance.now() - began > LONG_MS;
        if (isProgress) failures = 0;
        if (end.kind === "expired") version = undefined;
        if (end.kind === "failed" && !isProgress) this.#enter({ kind: "failing", reason: end.reason });
        if (end.kind !== "ended" || !isProgress) await this.#backOff(++failures);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && EXPIRED.includes(error.status)) version = undefined;
        const reason = error instanceof Error ? error.message : String(error);
        this.#enter({ kind: "failing", reason });
        await this.#backOff(++failures);
      }
    }
  }

  close(): void {
    this.#closed.abort();
  }

  /** Takes over a list that can be believed. */
  async #list(): Promise<Listed> {
    let earlier: Shrinkage | undefined;
    for (;;) {
      const found = new Map<string, T>();
      const listed = await listAll(this.#options.api, this.#options.path, this.#closed.signal, (object) => {
        const read = this.#read(object);
        if (read?.record !== undefined) found.set(read.key, read.record);
      });
      const before = this.#records.size;
      let left = 0;
      for (const key of this.#records.keys()) if (found.has(key)) left++;
      const shrinkage = { before, left };
      if (!isSuspicious(shrinkage) || (earlier !== undefined && confirms(earlier, shrinkage))) {
        this.#replace(found);
        this.#isSynced = true;
        return listed;
      }
      earlier = shrinkage;
      this.#enter({ kind: "held", ...shrinkage });
      await this.#sleep(this.#timing.confirmMs);
    }
  }

  #replace(found: ReadonlyMap<string, T>): void {
    for (const key of this.#records.keys()) if (!found.has(key)) this.#set(key, undefined);
    for (const [key, record] of found) this.#set(key, record);
  }

  #watch(version: string, seen: (version: string) => void) {
    const { api, path } = this.#options;
    const event = ({ kind, object }: { readonly kind: "put" | "delete"; readonly object: Json }) => {
      const read = this.#read(object);
      if (read !== undefined) this.#set(read.key, kind === "put" ? read.record : undefined);
    };
    const handlers = { opened: () => this.#enter({ kind: "live" }), event, version: seen };
    return watchOnce(api, path, version, handlers, this.#closed.signal, this.#random);
  }

  #read(object: Json): { readonly key: string; readonly record: T | undefined } | undefined {
    const key = keyOf(object);
    const version = textOf(metadataOf(object)["resourceVersion"]);
    if (key === undefined || version === undefined) return undefined;
    const old = this.#records.get(key);
    return { key, record: old?.version === version ? old : this.#options.decode(object, key, version, old) };
  }

  #set(key: string, record: T | undefined): void {
    const before = this.#records.get(key);
    if (before === record) return;
    if (record === undefined) this.#records.delete(key);
    else this.#records.set(key, record);
    this.#options.changed(key, before, record);
  }

  #enter(state: InformerState): void {
    if (isDeepStrictEqual(state, this.#state)) return;
    this.#state = state;
    this.#options.stateChanged(state);
  }

  async #backOff(failures: number): Promise<void> {
    await this.#sleep(backOffMs(failures, this.#timing, this.#random));
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closed.signal }).catch(() => {});
  }
}
