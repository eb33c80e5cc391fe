/**
 * What the replicas of a control plane tell each other: each keeps a key of one ConfigMap, and reads the others' with the answer to its
 * own write. A replica that ends says so; one that has not written for a while is taken for dead, but a change of roots waits for it a
 * good while longer: it may be alive and away, with sidecars that believe it. Clocks of machines are never compared.
 */
import type { Confirmed, Peers, RegistryPeers, ReplicaWord } from "../../shared-root.ts";
import { ApiError, type KubernetesApi, sendWithin } from "./api.ts";
import { isMap, mapOf } from "./object.ts";
import { type Objects, type Report, readReport } from "./replica-report.ts";

export interface ReplicasOptions {
  readonly api: KubernetesApi;
  readonly namespace: string;
  /** Of this replica; no other has it. Letters, digits, `-`, `_` and `.`. */
  readonly identity: string;
  /** Whether this replica takes away what dead ones have left. */
  readonly isLeader: () => boolean;
  /** They can't be told or read, for another reason than before. */
  readonly onError: (reason: string) => void;
  readonly lookMs?: number;
  readonly tryMs?: number;
  readonly now?: () => number;
}

export const REPLICAS_NAME = "weft-replicas";
const LOOK_MS = 2_000;
/** When there is something to be told, that is what a burst of it waits for. */
const HURRY_MS = 250;
/** How long one request may take: who waits longer for one that nobody answers is taken for dead. */
const TRY_MS = 5_000;
/** How often is written what has not changed. */
export const BEAT_MS = 5_000;
/** Who has not written for so long counts no more. */
export const DEAD_MS = 15_000;
/** As long as sidecars need to come back to another replica. */
export const LEFT_MS = 20_000;
/** For how long a change of roots waits for a replica that has not said that it ends. */
export const LOST_MS = 600_000;

interface Other {
  readonly text: string;
  readonly report: Report;
  /** When it was first seen so, in monotonic milliseconds. */
  readonly since: number;
}

export class Replicas implements Peers, RegistryPeers {
  readonly #options: ReplicasOptions;
  readonly #send: KubernetesApi["send"];
  readonly #path: string;
  readonly #now: () => number;
  #others: ReadonlyMap<string, Other> = new Map();
  #confirmed: () => Confirmed | undefined = () => undefined;
  #objects: () => Objects = () => ({});
  #registrants: () => unknown = () => undefined;
  #heard: (words: readonly ReplicaWord[], now: number) => void = () => {};
  #beat = 0;
  #written = { text: "", at: Number.NEGATIVE_INFINITY };
  #readAt: number | undefined;
  /** How many exchanges have begun, which of them was the last that succeeded, and which was the last when `version` was asked for. */
  #exchanges = 0;
  #lastRead = 0;
  #asked = { version: "", exchange: 0 };
  readonly #announced = Promise.withResolvers<void>();
  readonly #tried = Promise.withResolvers<void>();
  #reason = "";
  /** Runs out when the next look is due; undefined during a look. */
  #timer: NodeJS.Timeout | undefined;
  #isHurried = false;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#send = sendWithin(options.api, options.tryMs ?? TRY_MS);
    this.#path = `/api/v1/namespaces/${options.namespace}/configmaps`;
    this.#now = options.now ?? (() => performance.now());
  }

  /** What the others that live say of objects. */
  get others(): readonly Objects[] {
    const now = this.#now();
    return [...this.#others.values()]
      .filter((other) => !countsNoMore(other, now))
      .map(({ report }) => report.objects);
  }

  /** Resolves when the others can know of this replica: what it reads from then on, no change of roots passes over. */
  get announced(): Promise<void> {
    return this.#announced.promise;
  }

  /** Resolves when they have been asked once, with or without an answer. */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  haveConfirmed(version: string): boolean {
    const now = this.#now();
    // What was read before says nothing of a replica that has come since.
    if (this.#asked.version !== version) this.#asked = { version, exchange: this.#exchanges };
    if (this.#lastRead <= this.#asked.exchange) return false;
    // Who can't read the others knows nothing of them.
    if (this.#readAt === undefined || now - this.#readAt > DEAD_MS) return false;
    return [...this.#others.values()].every(({ report, since }) => {
      if (isOver(report, now - since)) return true;
      return !report.hasLeft && report.secret === version && report.lacking === 0;
    });
  }

  tell(own: () => Confirmed): void {
    this.#confirmed = own;
  }

  /** From now on the others are told how far sidecars are with objects. */
  tellObjects(own: () => Objects): void {
    this.#objects = own;
  }

  tellRegistrants(own: () => unknown, heard: (words: readonly ReplicaWord[], now: number) => void): void {
    [this.#registrants, this.#heard] = [own, heard];
    this.#passOn();
  }

  hurry(): void {
    if (this.#isHurried) return;
    this.#isHurried = true;
    if (this.#timer !== undefined) this.#lookIn(HURRY_MS);
  }

  start(): void {
    this.#lookIn(0);
  }

  /** Tells the others what is to be told, and hears them. Never rejects. */
  async look(): Promise<void> {
    const { onError } = this.#options;
    const reason = await this.#exchange().then(
      () => "",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (reason !== "" && reason !== this.#reason) onError(reason);
    this.#reason = reason;
    this.#tried.resolve();
  }

  /** Says that this replica ends: its sidecars are about to come to the others. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    if (this.#written.text === "") return;
    const left = JSON.stringify({ ...this.#report(), objects: {}, hasLeft: true });
    await this.#patch({ [this.#options.identity]: left }).catch(() => {});
  }

  #report(): Report & { readonly beat: number } {
    const { version, lacking } = this.#confirmed() ?? { version: "", lacking: 0 };
    const [objects, registrants] = [this.#objects(), this.#registrants()];
    return { beat: this.#beat, secret: version, lacking, objects, registrants, hasLeft: false };
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isHurried = false;
      const { lookMs = LOOK_MS } = this.#options;
      this.#looking = this.look().then(() => this.#lookIn(this.#isHurried ? HURRY_MS : lookMs));
    }, ms).unref();
  }

  async #exchange(): Promise<void> {
    const { identity, isLeader } = this.#options;
    const now = this.#now();
    const exchange = ++this.#exchanges;
    const isDue = now - this.#written.at >= BEAT_MS;
    if (isDue) this.#beat++;
    const text = JSON.stringify(this.#report());
    const changes: Record<string, string | null> = {};
    if (isDue || text !== this.#written.text) changes[identity] = text;
    if (isLeader()) {
      for (const [id, { report, since }] of this.#others) if (isOver(report, now - since)) changes[id] = null;
    }
    const isChanged = Object.keys(changes).length > 0;
    const object = isChanged
      ? await this.#patch(changes)
      : await this.#send({ path: `${this.#path}/${REPLICAS_NAME}` });
    if (identity in changes) this.#written = { text, at: now };
    this.#readAt = this.#now();
    this.#lastRead = exchange;
    this.#announced.resolve();
    this.#read(isMap(object) ? mapOf(object["data"]) : {});
  }

  async #patch(data: Readonly<Record<string, string | null>>): Promise<unknown> {
    const { namespace } = this.#options;
    const path = `${this.#path}/${REPLICAS_NAME}`;
    const patch = () =>
      this.#send({ method: "PATCH", path, contentType: "application/merge-patch+json", body: { data } });
    try {
      return await patch();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
    const metadata = { name: REPLICAS_NAME, namespace };
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata };
    await this.#send({ method: "POST", path: this.#path, body }).catch((error: unknown) => {
      // Another one was faster.
      if (!(error instanceof ApiError && error.status === 409)) throw error;
    });
    return await patch();
  }

  #read(data: Readonly<Record<string, unknown>>): void {
    const now = this.#now();
    const found = new Map<string, Other>();
    for (const [id, text] of Object.entries(data)) {
      if (id === this.#options.identity || typeof text !== "string") continue;
      const known = this.#others.get(id);
      found.set(id, known?.text === text ? known : { text, report: readReport(text), since: now });
    }
    this.#others = found;
    this.#passOn();
  }

  #passOn(): void {
    const now = this.#now();
    const words = [...this.#others].map(([replica, other]) => {
      return { replica, registrants: other.report.registrants, isOver: countsNoMore(other, now) };
    });
    this.#heard(words, now);
  }
}

function countsNoMore({ report, since }: Other, now: number): boolean {
  return report.hasLeft || now - since >= DEAD_MS;
}

/** Whether nobody waits for it any more. */
function isOver({ hasLeft }: Report, ms: number): boolean {
  return ms >= (hasLeft ? LEFT_MS : LOST_MS);
}
