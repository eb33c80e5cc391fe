/**
 * Keeps the status of routes and of Weft's own kinds true, if this replica leads. Looked at once a second and only where something
 * has changed: an object, what it refers to, or how many sidecars have applied it; written only where the text differs, and no
 * faster than `WRITES_PER_LOOK`, so that a change of ten thousand objects is no storm on the API server.
 */
import type { Issue } from "../../../resources/issue.ts";
import { objectPath } from "../../../resources/plural.ts";
import { KINDS } from "../../../resources/resource.ts";
import type { ChangeProgress } from "../../plane.ts";
import { ApiError, type KubernetesApi } from "./api.ts";
import { conditionsOf } from "./conditions.ts";
import { hasStatus, originOf, type ResourceRecord } from "./resource-record.ts";
import type { KubernetesSource, Touched } from "./source.ts";
import { isProgrammed, statusPatch } from "./status-patch.ts";

export interface StatusOptions {
  readonly api: KubernetesApi;
  readonly source: KubernetesSource;
  readonly isLeader: () => boolean;
  /** How far a change is; undefined where that is not known, or no longer. */
  readonly progress: (change: number) => ChangeProgress | undefined;
  readonly onError: (error: Error) => void;
  readonly lookMs?: number;
  readonly now?: () => Date;
}

const LOOK_MS = 1_000;
const WRITES_PER_LOOK = 20;
/** After the API server has refused or not answered. */
const PAUSE_LOOKS = 5;
/** Looks for which a change may be under way before it is said that it is. */
const PATIENCE = 3;

interface Entry {
  generation: number;
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
  #issues: readonly Issue[] = [];
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
    const { issues } = this.#options.source.status;
    // What is wrong with references may concern any object.
    if (issues !== this.#issues) for (const id of this.#entries.keys()) this.#dirty.add(id);
    this.#issues = issues;
    const byFile = Map.groupBy(issues, ({ file }) => file);
    let writes = 0;
    for (const id of this.#dirty) {
      if (writes >= WRITES_PER_LOOK || this.#pause > 0) break;
      const entry = this.#entries.get(id);
      if (entry === undefined) {
        this.#dirty.delete(id);
      } else if (await this.#lookAt(id, entry, byFile)) {
        writes++;
      }
    }
    this.#isBusy = false;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #touch({ kind, key }: Touched, isOld: boolean): void {
    const id = `${kind} ${key}`;
    const record = this.#options.source.records(kind).get(key);
    if (record === undefined) {
      this.#entries.delete(id);
      return;
    }
    this.#dirty.add(id);
    const known = this.#entries.get(id);
    if (known?.generation === record.generation) return;
    const { generation } = record;
    const entry = { kind, key, generation, change: undefined, age: 0, writtenOver: undefined };
    this.#entries.set(id, entry);
    // What another replica, or we before a restart, have said of this very generation stays said.
    if (!isOld || !isProgrammed(record)) this.#fresh.push(entry);
  }

  /** @returns whether it was written. */
  async #lookAt(
    id: string,
    entry: Entry & Touched,
    byFile: ReadonlyMap<string, readonly Issue[]>,
  ): Promise<boolean> {
    const { kind, key, change } = entry;
    const record = this.#options.source.records(kind).get(key);
    // With a status just written, its own event comes and makes the object dirty again.
    if (record === undefined || entry.writtenOver === record.version) {
      this.#dirty.delete(id);
      return false;
    }
    const progress = change === undefined ? undefined : this.#options.progress(change);
    const isUnderWay = progress?.state === "pending";
    if (!isUnderWay) this.#dirty.delete(id);
    else if (entry.age++ < PATIENCE) return false;
    const own = new Set(record.issues);
    const references = (byFile.get(originOf(kind, key)) ?? []).filter((issue) => !own.has(issue));
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
