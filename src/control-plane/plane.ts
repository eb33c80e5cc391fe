/**
 * The control plane without its network: files, compiler and discovery, joined. Whatever the source of a change, it is
 * coalesced with others that come at the same time, and what comes of them gets one number, under which sidecars'
 * progress can be asked.
 */

import type { ResourceType } from "../discovery/messages.ts";
import type { Resource } from "../resources/resource.ts";
import { Coalescer } from "./coalescer.ts";
import type { ChangedName, Compiler } from "./compile/compiler.ts";
import type { Edit, EditOutcome, Source, SourceStatus } from "./source/source.ts";

/** How far sidecars are with a change; what `/v1/changes` answers. */
export interface ChangeProgress {
  readonly change: number;
  readonly state: "pending" | "applied" | "rejected";
  /** Sidecars whose subscriptions the change touched, and those of them that have applied it. */
  readonly concerned: number;
  readonly applied: number;
  readonly rejected: readonly { readonly sidecar: string; readonly message: string }[];
}

/** What the plane needs of a discovery server. */
export interface Discovery {
  /** `since`: when the change was asked for, by `performance.now()`. */
  changed(names: readonly ChangedName[], change: number, since: number): void;
  ready(): void;
  /** As JSON. */
  sidecars(): readonly { readonly state: string }[];
  /** Ids of sidecars that have not applied this version of a resource. */
  lacking(type: ResourceType, name: string, version: string): readonly string[];
  /** Undefined where no such change is known. */
  progress(change: number): ChangeProgress | undefined;
}

/** What happens in the plane, for those who count and log it. */
export interface PlaneObserver {
  readonly compiled: (ms: number, changed: number) => void;
  /** After each reading of the source. */
  readonly read: (status: SourceStatus) => void;
  /** What has been read is on its way, and part of this change or of an earlier one. */
  readonly released: (change: number) => void;
}

type Fill = (resources: readonly Resource[]) => readonly Resource[];

/** How often a file that is being saved is looked at; when it has been written, that is an event. */
const UNSAVED_MS = 100;

const NO_OBSERVER: PlaneObserver = { compiled() {}, read() {}, released() {} };

export class Plane {
  readonly #source: Source;
  readonly #compiler: Compiler;
  readonly #observer: PlaneObserver;
  readonly #coalescer = new Coalescer((since) => {
    if (this.#source.rescan()) this.#compile(since);
    else this.#coalescer.touch(UNSAVED_MS);
  });
  readonly discovery: Discovery;
  #change = 0;
  /** Changed resources that don't come from the files. */
  #announced: readonly ChangedName[] = [];
  /** The next number was given to somebody who may ask for it. */
  #isPromised = false;
  #isReady = false;
  readonly #fill: Fill;

  /** `fill`: completes resources by what does not stand in the files. */
  constructor(
    source: Source,
    compiler: Compiler,
    discovery: Discovery,
    observer = NO_OBSERVER,
    fill: Fill = (resources) => resources,
  ) {
    this.#source = source;
    this.#fill = fill;
    this.#compiler = compiler;
    this.discovery = discovery;
    this.#observer = observer;
  }

  /** Number of the latest change, also of one that is about to be compiled. */
  get change(): number {
    return this.#isPromised ? this.#change + 1 : this.#change;
  }

  get status(): SourceStatus {
    return this.#source.status;
  }

  get resources(): readonly Resource[] {
    return this.#source.state.resources;
  }

  /** Compiles what the files say and lets sidecars in, as soon as there is a good state: an empty one would send them 404s. */
  start(onError: (error: Error) => void): void {
    this.#compile(performance.now());
    this.#source.watch(() => this.#coalescer.touch(), onError);
  }

  /** All edits or none; on the disk when it returns, and on the way to sidecars with the number that `change` then has. */
  edit(edits: readonly Edit[], dryRun: boolean): EditOutcome {
    const outcome = this.#source.edit(edits, dryRun);
    if (dryRun || "issues" in outcome) return outcome;
    if (outcome.results.some(({ action }) => action !== "unchanged" && action !== "absent")) {
      this.#isPromised = true;
      this.#coalescer.touch();
    }
    return outcome;
  }

  /** What completes the resources has changed. */
  refill(): void {
    this.#coalescer.touch();
  }

  /** Sends resources that don't come from the files and have changed. */
  announce(names: readonly ChangedName[]): void {
    this.#announced = names;
    this.#coalescer.touch();
  }

  /** How far a change is; undefined where it is not known, or no longer. */
  progress(change: number): ChangeProgress | undefined {
    // Before the first change nothing concerns anybody: what an apply answers that left an empty mesh as it was.
    if (change === 0) return { ...NOBODY, change, state: "applied" };
    if (this.#isPromised && change === this.#change + 1) return { ...NOBODY, change, state: "pending" };
    return this.discovery.progress(change);
  }

  close(): void {
    this.#coalescer.close();
    this.#source.close();
  }

  #compile(since: number): void {
    this.#observer.read(this.status);
    const { resources, addresses } = this.#source.state;
    const started = performance.now();
    const changed = [
      ...this.#compiler.update(this.#fill(resources), addresses),
      ...this.#compiler.moved(this.#source.moved()),
      ...this.#announced,
    ];
    this.#announced = [];
    this.#observer.compiled(performance.now() - started, changed.length);
    if (changed.length > 0 || this.#isPromised) {
      this.#isPromised = false;
      this.discovery.changed(changed, ++this.#change, since);
    }
    this.#observer.released(this.#change);
    // A directory that is empty, or not yet mounted, is not a mesh from which everything was removed (hostile.md 55).
    if (this.#isReady || !this.#source.isReady || resources.length === 0) return;
    this.#isReady = true;
    this.discovery.ready();
  }
}

const NOBODY = { concerned: 0, applied: 0, rejected: [], elapsedMs: 0 } as const;
