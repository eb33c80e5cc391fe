/**
 * The control plane's end of the discovery streams, whatever carries them: who is connected, what changed for whom, and how far
 * each sidecar is with it.
 */
import { DepartedSidecars } from "./departed.ts";
import { LeaseDesk } from "./lease-desk.ts";
import type { Node, ResourceType, VersionedResource } from "./messages.ts";
import { type DiscoveryObserver, NO_OBSERVER } from "./observer.ts";
import { type ChangeProgress, ProgressBook } from "./progress.ts";
import { type SendMessage, ServerStream } from "./server-stream.ts";
import type { SidecarStatus } from "./sidecar-status.ts";

/** Where resources come from: the compiler. */
export interface ResourceSource {
  get(type: ResourceType, name: string, node: Node): VersionedResource | undefined;
  /** For a wildcard subscription. */
  names(type: ResourceType, node: Node): Iterable<string>;
  /** Why this sidecar gets no stream, undefined where it does. Absent: everybody does. */
  refusal?(node: Node): string | undefined;
}

/** A sidecar that lives is back within this time: its longest pause, and time to connect. */
export const RECONNECT_MS = 20_000;

export interface ChangedName {
  readonly type: ResourceType;
  readonly name: string;
}

export class DiscoveryServer {
  readonly #source: ResourceSource;
  readonly observer: DiscoveryObserver;
  readonly #streams = new Set<ServerStream>();
  readonly #departed: DepartedSidecars;
  readonly #progress: ProgressBook;
  readonly #clock: () => number;
  readonly #leases: LeaseDesk;
  #isReady = false;
  #change = 0;

  constructor(
    source: ResourceSource,
    observer: DiscoveryObserver = NO_OBSERVER,
    clock: () => number = () => performance.now(),
  ) {
    this.#source = source;
    this.observer = observer;
    this.#clock = clock;
    this.#leases = new LeaseDesk(source, clock);
    this.#departed = new DepartedSidecars(clock);
    this.#progress = new ProgressBook(clock, observer.settled);
  }

  /** Until then streams are taken and nothing is sent: an empty start must not look like an empty mesh. */
  ready(): void {
    this.#isReady = true;
    for (const stream of this.#streams) stream.flush();
  }

  /** These resources may have changed; streams compare versions. `since` is when the change was asked for. */
  changed(names: readonly ChangedName[], change: number, since = this.#clock()): void {
    for (const stream of this.#streams) stream.note();
    this.#change = change;
    this.#progress.begin(change, since);
    for (const stream of this.#streams) {
      const concerned = names.filter(({ type, name }) => stream.wants(type, name));
      if (concerned.length === 0) continue;
      this.#progress.concern(change, stream, concerned);
      stream.changed(concerned);
    }
    this.#progress.begun(change);
  }

  progress(change: number): ChangeProgress | undefined {
    return this.#progress.read(change);
  }

  /** Sidecars that are connected, or were until a while ago, by id. */
  sidecars(): readonly SidecarStatus[] {
    const connected = [...this.#streams].flatMap((stream) => stream.status() ?? []);
    return [...connected, ...this.#departed.list()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * Sidecars that have not applied this version of a resource, by id. One that left a moment ago counts among them: it is
   * about to come back, with what it had.
   */
  lacking(type: ResourceType, name: string, version: string): readonly string[] {
    const behind = [...this.#streams]
      .filter(({ id }) => id !== "")
      .filter((s) => !s.holds(type, name, version));
    return [...behind.map(({ id }) => id), ...this.#departed.since(RECONNECT_MS)];
  }

  /** A new stream. `close` ends it with a reason; the returned stream is told of messages and of its end. */
  open(send: SendMessage, close: (reason: string) => void): ServerStream {
    const stream: ServerStream = new ServerStream({
      source: this.#source,
      send,
      close,
      isReady: () => this.#isReady,
      change: () => this.#change,
      settled: (type, name, rejection) => this.#progress.settle(stream, type, name, rejection),
      observer: this.observer,
      leases: this.#leases,
      identified: (node) => this.#identified(stream, node),
      ended: (reason) => this.#ended(stream, reason),
    });
    this.#streams.add(stream);
    return stream;
  }

  #identified(stream: ServerStream, node: Node): void {
    const { id } = node;
    // A sidecar that connects again before its old stream is known to be dead takes its place.
    for (const other of this.#streams) {
      if (other !== stream && other.id === id) other.end("replaced by a newer stream of the same sidecar");
    }
    this.#departed.delete(id);
    this.observer.connected(id);
    this.observer.arrived(node);
  }

  #ended(stream: ServerStream, reason: string): void {
    this.#streams.delete(stream);
    this.#progress.leave(stream);
    this.#leases.left(stream);
    const [node, status] = [stream.node, stream.status()];
    if (node === undefined || status === undefined) return;
    // Whoever has said good-bye is not missed.
    if (!stream.isLeaving) this.#departed.add(status);
    this.observer.disconnected(status.id, reason);
    this.observer.left(node);
  }
}
