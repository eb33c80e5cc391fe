/**
 * A Kubernetes cluster as the source of the desired state: an informer a kind, what they hold put together for the compiler.
 * Kinds that are written become resources; pods and EndpointSlices, of which there are many, become instances.
 */
import type { Issue } from "../../../resources/issue.ts";
import { listPath } from "../../../resources/plural.ts";
import { brokenReferences } from "../../../resources/references.ts";
import { KINDS, type Kind, type Resource } from "../../../resources/resource.ts";
import { NO_ADDRESSES } from "../../compile/inputs.ts";
import type { Moved } from "../../compile/instances.ts";
import type { EditOutcome, Source, SourceState, SourceStatus } from "../source.ts";
import type { KubernetesApi } from "./api.ts";
import { decodeSlice, type SliceRecord } from "./endpoint-slice.ts";
import { Informer, type InformerState, type Timing, type Versioned } from "./informer.ts";
import { internAll } from "./intern.ts";
import { type Json, metadataOf, textsOf } from "./object.ts";
import { decodePod, type PodRecord } from "./pod.ts";
import { Population } from "./population.ts";
import { decodeResource, isOfMesh, type ResourceRecord } from "./resource-record.ts";
import { unknownAccounts } from "./unknown-accounts.ts";

export interface KubernetesOptions {
  readonly api: KubernetesApi;
  /** What an informer's kind is going through, each time that it is something else. */
  readonly stateChanged?: (kind: string, state: InformerState) => void;
  readonly timing?: Timing;
}

interface NamespaceRecord extends Versioned {
  readonly labels: Readonly<Record<string, string>>;
}

type Runnable = Pick<Informer<Versioned>, "run" | "close" | "isSynced" | "state">;

/** What a change of resources was about: `kind` and key. */
export interface Touched {
  readonly kind: Kind;
  readonly key: string;
}

const UNREAD: ReadonlySet<InformerState["kind"]> = new Set(["failing", "held"]);

export class KubernetesSource implements Source {
  readonly #options: KubernetesOptions;
  readonly #resources = new Map<Kind, Informer<ResourceRecord>>();
  readonly #informers = new Map<string, Runnable>();
  readonly #accounts: Informer<Versioned>;
  readonly #population = new Population();
  readonly #synced = Promise.withResolvers<void>();
  readonly #onTouched = new Set<(touched: Touched) => void>();
  #state: SourceState = { resources: [], addresses: NO_ADDRESSES };
  #issues: readonly Issue[] = [];
  #isStale = true;
  #changed = (): void => {};

  constructor(options: KubernetesOptions) {
    this.#options = options;
    for (const kind of KINDS) this.#resources.set(kind, this.#resourceInformer(kind));
    for (const [kind, informer] of this.#resources) this.#informers.set(kind, informer);
    this.#informers.set("Pod", this.#podInformer());
    this.#informers.set("EndpointSlice", this.#sliceInformer());
    this.#informers.set("Namespace", this.#namespaceInformer());
    this.#accounts = this.#accountInformer();
    this.#informers.set("ServiceAccount", this.#accounts);
  }

  /** Begins to list and watch. */
  start(): void {
    for (const informer of this.#informers.values()) void informer.run();
  }

  /** Resolves when everything has been read once; a cluster that can't be reached is waited for. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isReady(): boolean {
    return [...this.#informers.values()].every(({ isSynced }) => isSynced);
  }

  get state(): SourceState {
    return this.#state;
  }

  get instances(): Population {
    return this.#population;
  }

  get status(): SourceStatus {
    const isBroken = this.#issues.some(({ severity }) => severity === "error");
    const unread = [...this.#informers].flatMap(([kind, { state }]) => (UNREAD.has(state.kind) ? kind : []));
    return {
      state: isBroken ? "broken" : "ok",
      issues: this.#issues,
      resources: this.#state.resources.length,
      ...(unread.length > 0 && { unread }),
    };
  }

  /** What is read. */
  get kinds(): readonly string[] {
    return [...this.#informers.keys()];
  }

  /** What is kept of the objects of a kind. */
  records(kind: Kind): ReadonlyMap<string, ResourceRecord> {
    return this.#resources.get(kind)?.records ?? new Map();
  }

  /** Calls `listener` for each object of which another version has come, also where it says the same, and of which none is left. */
  onTouched(listener: (touched: Touched) => void): void {
    this.#onTouched.add(listener);
  }

  rescan(): boolean {
    if (!this.#isStale) return true;
    this.#isStale = false;
    const resources: Resource[] = [];
    const issues: Issue[] = [];
    for (const informer of this.#resources.values()) {
      for (const record of informer.records.values()) {
        if (record.resource !== undefined) resources.push(record.resource);
        issues.push(...record.issues);
      }
    }
    this.#state = { resources, addresses: NO_ADDRESSES };
    const references = [
      ...brokenReferences(resources),
      ...unknownAccounts(resources, this.#accounts.records),
    ];
    this.#issues = [...issues, ...references];
    return true;
  }

  moved(): Moved {
    return this.#population.take();
  }

  /** Calls at once too: something may have changed since the last look. */
  watch(onChange: () => void): void {
    this.#changed = onChange;
    onChange();
  }

  /** The cluster is written to by those who may: `kubectl apply`. */
  edit(): EditOutcome {
    const message = "resources are read from a Kubernetes cluster: change them there, with kubectl apply";
    const place = { file: "kubernetes", line: 1, column: 1, field: "", found: "", expected: "" };
    return { issues: [{ severity: "error", ...place, message }] };
  }

  close(): void {
    for (const informer of this.#informers.values()) informer.close();
  }

  #resourceInformer(kind: Kind): Informer<ResourceRecord> {
    return this.#informer({
      name: kind,
      path: listPath(kind),
      decode: (object, key, version, old: ResourceRecord | undefined) =>
        isOfMesh(kind, object) ? decodeResource(kind, object, key, version, old) : undefined,
      changed: (key, before, after) => {
        for (const listener of this.#onTouched) listener({ kind, key });
        if (before?.resource === after?.resource && before?.issues === after?.issues) return false;
        this.#isStale = true;
        return true;
      },
    });
  }

  #podInformer(): Informer<PodRecord> {
    return this.#informer({
      name: "Pod",
      path: "/api/v1/pods",
      decode: decodePod,
      changed: (key, before, after) => this.#population.podChanged(key, before, after),
    });
  }

  #sliceInformer(): Informer<SliceRecord> {
    return this.#informer({
      name: "EndpointSlice",
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      decode: decodeSlice,
      changed: (_key, before, after) => this.#population.sliceChanged(before, after),
    });
  }

  #namespaceInformer(): Informer<NamespaceRecord> {
    return this.#informer({
      name: "Namespace",
      path: "/api/v1/namespaces",
      decode: (object: Json, _key: string, version: string) => ({
        version,
        labels: internAll(textsOf(metadataOf(object)["labels"])),
      }),
      changed: (key, _before, after) => this.#population.namespaceChanged(key.slice(1), after?.labels),
    });
  }

  /** Their names alone. */
  #accountInformer(): Informer<Versioned> {
    return this.#informer({
      name: "ServiceAccount",
      path: "/api/v1/serviceaccounts",
      decode: (_object: Json, _key: string, version: string) => ({ version }),
      changed: (_key, before, after) => {
        if ((before === undefined) === (after === undefined)) return false;
        this.#isStale = true;
        return true;
      },
    });
  }

  #informer<T extends Versioned>(kind: {
    readonly name: string;
    readonly path: string;
    readonly decode: (object: Json, key: string, version: string, old: T | undefined) => T | undefined;
    /** Whether anybody is concerned. */
    readonly changed: (key: string, before: T | undefined, after: T | undefined) => boolean;
  }): Informer<T> {
    const { api, timing, stateChanged } = this.#options;
    return new Informer<T>({
      api,
      path: kind.path,
      decode: kind.decode,
      changed: (key, before, after) => {
        if (kind.changed(key, before, after)) this.#changed();
      },
      stateChanged: (state) => {
        stateChanged?.(kind.name, state);
        if (this.isReady) this.#synced.resolve();
      },
      ...(timing === undefined ? {} : { timing }),
    });
  }
}
