/**
 * The control plane's end of the discovery streams, whatever carries them: who is connected, what changed for whom, and how far
 * each sidecar is with it.
 */
import type { LoadReport, Node, ResourceType, VersionedResource } from "./messages.ts";
import { type ChangeProgress, ProgressBook } from "./progress.ts";
import { type SendMessage, ServerStream, type SidecarStatus } from "./server-stream.ts";

/** Where resources come from: the compiler. */
export interface ResourceSource {
  get(type: ResourceType, name: string, node: Node): VersionedResource | undefined;
  /** For a wildcard subscription. */
  names(type: ResourceType, node: Node): Iterable<string>;
}

export interface ChangedName {
  readonly type: ResourceType;
  readonly name: string;
}

export class DiscoveryServer {
  readonly #source: ResourceSource;
  readonly #onLoad: (node: Node, report: LoadReport) => void;
  readonly #streams = new Set<ServerStream>();
  readonly #progress: ProgressBook;
  #isReady = false;
  #systemVersion = "0";

  constructor(
    source: ResourceSource,
    onLoad: (node: Node, report: LoadReport) => void = () => {},
    clock: () => number = () => performance.now(),
  ) {
    this.#source = source;
    this.#onLoad = onLoad;
    this.#progress = new ProgressBook(clock);
  }

  /** Until then streams are taken and nothing is sent: an empty start must not look like an empty mesh. */
  ready(): void {
    this.#isReady = true;
    for (const stream of this.#streams) stream.flush();
  }

  /** These resources may have changed; streams compare versions. */
  changed(names: readonly ChangedName[], change: number): void {
    this.#systemVersion = String(change);
    this.#progress.begin(change);
    for (const stream of this.#streams) {
      const concerned = names.filter(({ type, name }) => stream.wants(type, name));
      if (concerned.length === 0) continue;
      this.#progress.concern(change, stream, concerned);
      stream.changed(concerned);
    }
  }

  progress(change: number): ChangeProgress | undefined {
    return this.#progress.read(change);
  }

  /** Connected sidecars by id. */
  sidecars(): readonly SidecarStatus[] {
    const all = [...this.#streams].flatMap((stream) => stream.status() ?? []);
    return all.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** A new stream. `close` ends it with a reason; the returned stream is told of messages and of its end. */
  open(send: SendMessage, close: (reason: string) => void): ServerStream {
    const stream: ServerStream = new ServerStream({
      source: this.#source,
      send,
      close,
      isReady: () => this.#isReady,
      systemVersion: () => this.#systemVersion,
      settled: (type, name, rejection) => this.#progress.settle(stream, type, name, rejection),
      onLoad: this.#onLoad,
      identified: (id) => this.#replace(stream, id),
      ended: () => {
        this.#streams.delete(stream);
        this.#progress.leave(stream);
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  /** A sidecar that connects again before its old stream is known to be dead takes its place. */
  #replace(stream: ServerStream, id: string): void {
    for (const other of this.#streams) {
      if (other !== stream && other.id === id) other.end("replaced by a newer stream of the same sidecar");
    }
  }
}
