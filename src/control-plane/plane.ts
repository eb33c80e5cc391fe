/**
 * The control plane without its network: files, compiler and discovery, joined. Each change of the desired state gets a
 * number, under which sidecars' progress can be asked.
 */
import type { Resource } from "../resources/resource.ts";
import type { ChangedName, Compiler } from "./compile/compiler.ts";
import type { Edit, EditOutcome, FileSource, SourceStatus } from "./source/files.ts";

/** How far sidecars are with a change; what `/v1/changes` answers. */
export interface ChangeProgress {
  readonly change: number;
  readonly state: "pending" | "applied" | "rejected";
}

/** What the plane needs of a discovery server. */
export interface Discovery {
  changed(names: readonly ChangedName[], change: number): void;
  ready(): void;
  /** As JSON. */
  sidecars(): readonly object[];
  /** Undefined where no such change is known. */
  progress(change: number): ChangeProgress | undefined;
}

export class Plane {
  readonly #source: FileSource;
  readonly #compiler: Compiler;
  readonly discovery: Discovery;
  #change = 0;
  #isReady = false;

  constructor(source: FileSource, compiler: Compiler, discovery: Discovery) {
    this.#source = source;
    this.#compiler = compiler;
    this.discovery = discovery;
  }

  /** Number of the latest change. */
  get change(): number {
    return this.#change;
  }

  get status(): SourceStatus {
    return this.#source.status;
  }

  get resources(): readonly Resource[] {
    return this.#source.state.resources;
  }

  /** Compiles what the files say and lets sidecars in, as soon as there is a good state: an empty one would send them 404s. */
  start(onError: (error: Error) => void): void {
    this.#compile();
    this.#source.watch(() => this.#compile(), onError);
  }

  /** All edits or none; on the disk and on the way to sidecars when it returns. */
  edit(edits: readonly Edit[], dryRun: boolean): EditOutcome {
    const outcome = this.#source.edit(edits, dryRun);
    if (!dryRun) this.#compile();
    return outcome;
  }

  close(): void {
    this.#source.close();
  }

  #compile(): void {
    const { resources, addresses } = this.#source.state;
    const changed = this.#compiler.update(resources, addresses);
    if (changed.length > 0) this.discovery.changed(changed, ++this.#change);
    if (this.#isReady || this.status.state === "broken") return;
    this.#isReady = true;
    this.discovery.ready();
  }
}
