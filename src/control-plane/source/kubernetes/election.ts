/** Leader election among replicas of the control plane: the state machine of `lease.ts`, with the API server. */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, type KubernetesApi, sendWithin } from "./api.ts";
import {
  type Action,
  type Candidate,
  DURATION_MS,
  isLeader,
  type Lease,
  LOOK_MS,
  newCandidate,
  observe,
  TRY_MS,
  written,
} from "./lease.ts";
import { isMap, type Json, mapOf, metadataOf, textOf } from "./object.ts";

export interface ElectionOptions {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly name: string;
  /** Of this replica; no other has it. */
  readonly identity: string;
  /** Told each time that it is otherwise. */
  readonly onChange: (isLeader: boolean) => void;
  /** The Lease can't be read or written, for another reason than before. */
  readonly onError: (reason: string) => void;
  readonly lookMs?: number;
  readonly tryMs?: number;
  readonly now?: () => number;
}

export class Election {
  readonly #options: ElectionOptions;
  readonly #send: KubernetesApi["send"];
  readonly #path: string;
  readonly #now: () => number;
  readonly #closed = new AbortController();
  #candidate: Candidate;
  #wasLeader = false;
  #reason = "";
  #running: Promise<void> = Promise.resolve();

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#send = sendWithin(options.api, options.tryMs ?? TRY_MS);
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
    this.#now = options.now ?? (() => performance.now());
    this.#candidate = newCandidate(options.identity);
  }

  /** True only while nobody else can be. */
  get isLeader(): boolean {
    return isLeader(this.#candidate, this.#now());
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Lets go of the Lease, so that another need not wait until it has run out. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#running;
    if (!this.isLeader) return;
    const { lease, object } = await this.#read().catch(() => ({ lease: undefined, object: undefined }));
    if (lease?.holder !== this.#candidate.me || object === undefined) return;
    const spec = { ...mapOf(object["spec"]), holderIdentity: "", leaseDurationSeconds: 1 };
    await this.#replace({ ...object, spec }).catch(() => {});
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    const every = this.#options.lookMs ?? LOOK_MS;
    while (!signal.aborted) {
      // An API server that does not answer leaves the candidate as it is: it leads until its renewal is too old.
      const reason = await this.#look().then(
        () => "",
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      if (reason !== "" && reason !== this.#reason && !signal.aborted) this.#options.onError(reason);
      this.#reason = reason;
      this.#tell();
      await sleep(every * (0.9 + Math.random() * 0.2), undefined, { signal }).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const { lease, object } = await this.#read();
    const { candidate, action } = observe(this.#candidate, lease, this.#now());
    this.#candidate = candidate;
    if (action === "wait") return;
    const sentAt = this.#now();
    try {
      await this.#write(action, lease, object);
      this.#candidate = written(this.#candidate, sentAt);
    } catch (error) {
      // Another one was faster; what it wrote is seen at the next look.
      if (!(error instanceof ApiError && error.status === 409)) throw error;
    }
  }

  async #write(action: Action, lease: Lease | undefined, object: Json | undefined): Promise<void> {
    const { name, namespace, identity } = this.#options;
    const now = new Date().toISOString().replace("Z", "000Z");
    const spec = {
      ...mapOf(object?.["spec"]),
      holderIdentity: identity,
      leaseDurationSeconds: DURATION_MS / 1_000,
      renewTime: now,
      ...(action === "renew" ? {} : { acquireTime: now, leaseTransitions: (lease?.transitions ?? -1) + 1 }),
    };
    if (object !== undefined) {
      await this.#replace({ ...object, spec });
      return;
    }
    const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace }, spec };
    await this.#send({ method: "POST", path: this.#path, body });
  }

  async #replace(body: Json): Promise<void> {
    await this.#send({ method: "PUT", path: `${this.#path}/${this.#options.name}`, body });
  }

  async #read(): Promise<{ readonly lease: Lease | undefined; readonly object: Json | undefined }> {
    try {
      const object = await this.#send({ path: `${this.#path}/${this.#options.name}` });
      return isMap(object) ? { lease: leaseOf(object), object } : { lease: undefined, object: undefined };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return { lease: undefined, object: undefined };
      throw error;
    }
  }

  #tell(): void {
    if (this.isLeader === this.#wasLeader) return;
    this.#wasLeader = this.isLeader;
    this.#options.onChange(this.#wasLeader);
  }
}

function leaseOf(object: Json): Lease {
  const { holderIdentity, renewTime, leaseDurationSeconds, leaseTransitions } = mapOf(object["spec"]);
  const version = textOf(metadataOf(object)["resourceVersion"]) ?? "";
  return {
    holder: textOf(holderIdentity) ?? "",
    renewed: `${textOf(renewTime) ?? ""} ${version}`,
    durationMs: typeof leaseDurationSeconds === "number" ? leaseDurationSeconds * 1_000 : DURATION_MS,
    transitions: typeof leaseTransitions === "number" ? leaseTransitions : 0,
  };
}
