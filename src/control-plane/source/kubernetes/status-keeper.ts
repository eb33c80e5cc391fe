/**
 * Keeps the status of routes and of Weft's own kinds true, if this replica leads. Looked at once a second and only where something
 * has changed: an object, what it refers to, or how many sidecars have applied it; written only where the text differs, and no
 * faster than `WRITES_PER_LOOK`, so that a change of ten thousand objects is no storm on the API server. Sidecars of other replicas
 * count by these replicas' word, which they give until the status says it.
 */
import { setImmediate as turn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { hasErrors, type Issue } from "../../../resources/issue.ts";
import { objectPath } from "../../../resources/plural.ts";
import { KINDS } from "../../../resources/resource.ts";
import type { ChangeProgress } from "../../plane.ts";
import { ApiError, type KubernetesApi } from "./api.ts";
import { conditionsOf } from "./conditions.ts";
import {
  type JoinedProgress,
  joinProgress,
  type ObjectProgress,
  type Objects,
  objectProgress,
} from "./replica-report.ts";
import { hasStatus, originOf, type ResourceRecord } from "./resource-record.ts";
import type { KubernetesSource, Touched } from "./source.ts";
import { isProgrammed, saysHowFar, statusPatch } from "./status-patch.ts";

export interface StatusOptions {
  readonly api: KubernetesApi;
  readonly source: KubernetesSource;
  readonly isLeader: () => boolean;
  /** How far a change is; undefined where that is not known, or no longer. */
  readonly progress: (change: number) => ChangeProgress | undefined;
  /** What the other replicas say of objects, one element each; default: there are none. */
  readonly others?: () => readonly Objects[];
  readonly onError: (error: Error) => void;
  readonly lookMs?: number;
  readonly now?: () => Date;
}

const LOOK_MS = 1_000;
const WRITES_PER_LOOK = 20;
/** Objects that are looked at before others get their turn: a few milliseconds. */
const LOOKS_PER_TURN = 50;
/** After the API server has refused or not answered. */
const PAUSE_LOOKS = 5;
/** Looks for which a change may be under way before it is said that it is. */
const PATIENCE = 3;
/** The same for the word of another replica, which comes every two seconds. */
const PATIENCE_FOR_OTHERS = 8;
/** And for that of one that has more to say than it may at once. */
const PATIENCE_FOR_BUSY = 60;
/** Objects at once that another replica is told of. */
const MAX_TOLD = 100;

interface Entry {
  readonly uid: string;
  readonly generation: number;
  /** With which change the generation came; absent: not compiled yet, or before this process began. */
  change: number | undefined;
  /** Looks since then. */
  age: number;
  /** Version over which a status was written: until another comes, what stands there is not known. */
  writtenOver: string | undefined;
}

export class StatusKeeper {
  readonly #options: StatusOptions;
  readonly #entries = new Map<string, Entry & Touched>();
  /** Objects that came since the last compilation. */
  #fresh: (Entry & Touched)[] = [];
  readonly #dirty = new Set<string>();
  /** Objects of which no status says how far they are, in the order in which they came; then those that are said to be under way. */
  readonly #unsaid = new Set<string>();
  #issues: readonly Issue[] = [];
  #issuesByFile: ReadonlyMap<string, readonly Issue[]> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #pause = 0;
  #isBusy = false;

  constructor(options: StatusOptions) {
    this.#options = options;
    for (const kind of KINDS) {
      if (!hasStatus(kind)) continue;
      for (const key of options.source.records(kind).keys()) this.#touch({ kind, key }, true);
    }
    options.source.onTouched((touched) => {
      if (hasStatus(touched.kind)) this.#touch(touched, false);
    });
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.lookMs ?? LOOK_MS).unref();
  }

  /** What has come until now is in change number `change`. */
  released(change: number): void {
    for (const entry of this.#fresh) {
      entry.change = change;
      entry.age = 0;
    }
    this.#fresh = [];
  }

  /** Writes what is to be written. Never rejects. */
  async look(): Promise<void> {
    if (!this.#options.isLeader() || this.#isBusy || --this.#pause > 0) return;
    this.#isBusy = true;
    this.#takeIssues(this.#options.source.status.issues);
    let [looks, writes] = [0, 0];
    for (const id of this.#dirty) {
      if (writes >= WRITES_PER_LOOK || this.#pause > 0) break;
      if (++looks % LOOKS_PER_TURN === 0) await turn();
      const entry = this.#entries.get(id);
      if (entry === undefined) {
        this.#dirty.delete(id);
      } else if (await this.#lookAt(id, entry)) {
        writes++;
      }
    }
    this.#isBusy = false;
  }

  /** What the leader is to know of our sidecars. */
  objects(): Objects {
    const found: Record<string, ObjectProgress> = {};
    let told = 0;
    for (const id of this.#unsaid) {
      const { change, generation } = this.#entries.get(id) ?? {};
      const progress = change === undefined ? undefined : this.#options.progress(change);
      if (progress === undefined || generation === undefined) continue;
      found[id] = objectProgress(generation, progress);
      if (++told === MAX_TOLD) break;
    }
    return found;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** What is wrong with references may be so of any object. */
  #takeIssues(issues: readonly Issue[]): void {
    if (issues === this.#issues) return;
    const before = this.#issuesByFile;
    this.#issues = issues;
    this.#issuesByFile = Map.groupBy(issues, ({ file }) => file);
    for (const [id, { kind, key }] of this.#entries) {
      const file = originOf(kind, key);
      if (!isDeepStrictEqual(before.get(file), this.#issuesByFile.get(file))) this.#dirty.add(id);
    }
  }

  #touch({ kind, key }: Touched, isOld: boolean): void {
    const id = `${kind} ${key}`;
    const record = this.#options.source.records(kind).get(key);
    if (record === undefined) {
      this.#entries.delete(id);
      this.#unsaid.delete(id);
      return;
    }
    this.#dirty.add(id);
    if (isProgrammed(record)) this.#unsaid.delete(id);
    else {
      // What is said already comes after what is not.
      if (saysHowFar(record)) this.#unsaid.delete(id);
      this.#unsaid.add(id);
    }
    const known = this.#entries.get(id);
    const { uid, generation } = record;
    if (known?.uid === uid && known.generation === generation) return;
    const entry = { kind, key, uid, generation, change: undefined, age: 0, writtenOver: undefined };
    this.#entries.set(id, entry);
    // What another replica, or we before a restart, have said of this very generation stays said.
    if (!isOld || !isProgrammed(record)) this.#fresh.push(entry);
  }

  /** How far all sidecars are with an object; undefined where there is nothing to say, or it has been said. */
  #progressOf(id: string, { change }: Entry, record: ResourceRecord, others: readonly Objects[]) {
    // What was said of this very generation stays said: another leader knows of other sidecars, and nothing has changed.
    if (change === undefined || hasErrors(record.issues) || isProgrammed(record)) return undefined;
    const own = this.#options.progress(change);
    return own && joinProgress(own, id, record.generation, others);
  }

  /** @returns whether it was written. */
  async #lookAt(id: string, entry: Entry & Touched): Promise<boolean> {
    const { kind, key } = entry;
    const record = this.#options.source.records(kind).get(key);
    // With a status just written, its own event comes and makes the object dirty again.
    if (record === undefined || entry.writtenOver === record.version) {
      this.#dirty.delete(id);
      return false;
    }
    const others = this.#options.others?.() ?? [];
    const progress = this.#progressOf(id, entry, record, others);
    if (entry.age++ < patienceWith(progress, others)) return false;
    if (progress?.state !== "pending") this.#dirty.delete(id);
    const itself = new Set(record.issues);
    const all = this.#issuesByFile.get(originOf(kind, key)) ?? [];
    const references = all.filter((issue) => !itself.has(issue));
    const now = (this.#options.now?.() ?? new Date()).toISOString().replace(/\.\d+Z$/, "Z");
    const status = statusPatch(record, conditionsOf(record, references, progress), now);
    if (status === undefined) return false;
    await this.#write(id, entry, record, status);
    return true;
  }

  async #write(id: string, entry: Entry & Touched, record: ResourceRecord, status: object): Promise<void> {
    const { kind, key } = entry;
    const [namespace = "", name = ""] = key.split("/", 2);
    try {
      await this.#options.api.send({
        method: "PATCH",
        path: `${objectPath(kind, namespace, name)}/status`,
        contentType: "application/merge-patch+json",
        // Of another version nobody has said anything yet.
        body: { metadata: { resourceVersion: record.version }, status },
      });
      entry.writtenOver = record.version;
    } catch (error) {
      // Changed meanwhile, or gone: its event tells.
      if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return;
      this.#dirty.add(id);
      this.#pause = PAUSE_LOOKS;
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** For how many looks nothing is said yet. */
function patienceWith(progress: JoinedProgress | undefined, others: readonly Objects[]): number {
  if (progress === undefined) return 0;
  if (progress.told === progress.replicas) return progress.state === "pending" ? PATIENCE : 0;
  const isBusy = others.some((objects) => Object.keys(objects).length >= MAX_TOLD);
  return isBusy ? PATIENCE_FOR_BUSY : PATIENCE_FOR_OTHERS;
}
