/**
 * A Kubernetes API server as its clients see it, on a real port: lists in pages with continue tokens over a snapshot, watches
 * from a resourceVersion with bookmarks, 410 Gone both as a status and as an ERROR event, optimistic concurrency, the status
 * subresource. And its bad days: away, broken off in the midst of a line, garbage, compacted, restored from an old backup.
 * Behaviour after https://kubernetes.io/docs/reference/using-api/api-concepts/.
 */
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiObject, answerObject, type Json, keyOf } from "./api-objects.ts";

interface HistoryEvent {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: ApiObject;
}

interface Watcher {
  readonly path: string;
  readonly from: number;
  readonly response: http.ServerResponse;
}

export interface Collection {
  readonly apiVersion: string;
  readonly kind: string;
  readonly objects: Map<string, ApiObject>;
  history: HistoryEvent[];
  /** Versions before this one are forgotten. */
  compactedAt: number;
}

export class ApiServer {
  readonly #server = http.createServer((request, response) => void this.#answer(request, response));
  readonly #sockets = new Set<Socket>();
  readonly #collections = new Map<string, Collection>();
  readonly #watchers = new Set<Watcher>();
  readonly #snapshots = new Map<
    string,
    { readonly path: string; readonly items: readonly ApiObject[]; readonly version: number }
  >();
  #version = 1_000;
  #port = 0;
  /** Connections are refused by closing them. */
  isAway = false;
  /** How a version that is too old is refused. */
  expiry: "status" | "event" = "status";
  /** Lists of these paths are given as empty, whatever there is. */
  readonly emptyLists = new Set<string>();
  /** Statuses with which requests to these paths are refused. */
  readonly refusals = new Map<string, number>();
  /** `GET /api/v1/pods`, in order. */
  readonly requests: string[] = [];
  /** The same with queries. */
  readonly urls: string[] = [];

  async listen(port = this.#port): Promise<void> {
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      if (this.isAway) socket.destroy();
    });
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get version(): number {
    return this.#version;
  }

  get watching(): readonly string[] {
    return [...this.#watchers].map(({ path }) => path);
  }

  /** Makes a kind known; objects of a path that nobody has defined are 404. */
  define(path: string, apiVersion: string, kind: string): void {
    this.#collections.set(path, { apiVersion, kind, objects: new Map(), history: [], compactedAt: 0 });
  }

  collection(path: string): Collection {
    const found = this.#collections.get(path);
    if (found === undefined) throw new Error(`${path} is not defined`);
    return found;
  }

  objects(path: string): ReadonlyMap<string, ApiObject> {
    return this.collection(path).objects;
  }

  /** Creates or replaces; the specification's generation counts, the version is the server's. */
  put(path: string, object: ApiObject): ApiObject {
    const { objects } = this.collection(path);
    const key = keyOf(object);
    const old = objects.get(key);
    const isSame = old !== undefined && JSON.stringify(old["spec"]) === JSON.stringify(object["spec"]);
    const generation = Number(old?.metadata["generation"] ?? 0) + (isSame ? 0 : 1);
    const metadata = { ...object.metadata, generation, resourceVersion: String(++this.#version) };
    const stored = { ...object, metadata };
    objects.set(key, stored);
    this.#happened(path, old === undefined ? "ADDED" : "MODIFIED", stored);
    return stored;
  }

  remove(path: string, key: string): void {
    const { objects } = this.collection(path);
    const old = objects.get(key);
    if (old === undefined) return;
    objects.delete(key);
    const metadata = { ...old.metadata, resourceVersion: String(++this.#version) };
    this.#happened(path, "DELETED", { ...old, metadata });
  }

  /** Forgets all history: watches from earlier versions and continue tokens are too old. */
  compact(): void {
    for (const collection of this.#collections.values()) {
      collection.history = [];
      collection.compactedAt = this.#version;
    }
    this.#snapshots.clear();
  }

  /** Has objects as they are now, at an earlier version: what etcd is after an old backup, and what its clients see of it. */
  goBackTo(version: number): void {
    this.#version = version;
    for (const collection of this.#collections.values())
      Object.assign(collection, { history: [], compactedAt: 0 });
    this.#snapshots.clear();
  }

  /** Tells watches how far they are. */
  bookmark(): void {
    for (const { path, response } of this.#watchers) this.#writeBookmark(path, response);
  }

  /** Ends all watches: properly, by a reset, or by a reset in the midst of a line. */
  disconnect(how: "end" | "reset" | "midline"): void {
    for (const watcher of this.#watchers) {
      this.#watchers.delete(watcher);
      const { response } = watcher;
      if (how === "end") response.end();
      else if (how === "reset") response.destroy();
      else response.write('{"type":"ADDED","object":{"metadata":{"name":"ha', () => response.destroy());
    }
  }

  /** Bytes as they are, to all watches of a path. */
  inject(path: string, bytes: string): void {
    for (const watcher of this.#watchers) if (watcher.path === path) watcher.response.write(bytes);
  }

  /** Away: nothing is answered, and whoever is connected is no longer. */
  leave(): void {
    this.isAway = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  comeBack(): void {
    this.isAway = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #happened(path: string, type: HistoryEvent["type"], object: ApiObject): void {
    const { history } = this.collection(path);
    const event = { version: this.#version, type, object };
    history.push(event);
    for (const watcher of this.#watchers) if (watcher.path === path) this.#tell(watcher, event);
  }

  /** Nothing of what a watch has seen, and so nothing at all where it began at a version that is still to come. */
  #tell(watcher: Watcher, event: HistoryEvent): void {
    if (event.version > watcher.from) this.#writeEvent(watcher, event);
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const path = url.pathname;
    this.requests.push(`${request.method} ${path}`);
    this.urls.push(`${request.method} ${request.url}`);
    const refusal = this.refusals.get(path);
    if (refusal !== undefined) {
      fail(response, refusal, "refused");
      return;
    }
    const collection = this.#collections.get(path);
    if (request.method !== "GET" || collection === undefined) {
      return await answerObject(this, [...this.#collections.keys()], request, response);
    }
    if (url.searchParams.get("watch") === "true") {
      this.#watch(path, url.searchParams, response);
      return;
    }
    return await this.#list(path, collection, url.searchParams, response);
  }

  async #list(
    path: string,
    collection: Collection,
    query: URLSearchParams,
    response: http.ServerResponse,
  ): Promise<void> {
    const limit = Number(query.get("limit") ?? 0);
    const token = query.get("continue");
    const [id = "", from = "0"] = (token ?? "").split(":");
    const taken = this.#snapshots.get(id);
    if (token !== null && taken === undefined) {
      fail(response, 410, "the continue token is too old");
      return;
    }
    const items = this.emptyLists.has(path) ? [] : [...collection.objects.values()];
    const snapshot = taken ?? { path, items, version: this.#version };
    const start = Number(from);
    const end = limit === 0 ? snapshot.items.length : Math.min(start + limit, snapshot.items.length);
    let more: Json = {};
    if (end < snapshot.items.length) {
      const next = id === "" ? `s${this.#version}-${path}` : id;
      this.#snapshots.set(next, snapshot);
      more = { continue: `${next}:${end}`, remainingItemCount: snapshot.items.length - end };
    }
    const { apiVersion, kind } = collection;
    const metadata = { resourceVersion: String(snapshot.version), ...more };
    const head = JSON.stringify({ kind: `${kind}List`, apiVersion, metadata });
    response.setHeader("content-type", "application/json");
    response.write(`${head.slice(0, -1)},"items":[`);
    for (let at = start; at < end; at++) {
      // Go sends neither kind nor version of an item.
      const { kind: _kind, apiVersion: _version, ...item } = snapshot.items[at] as ApiObject;
      response.write(`${at === start ? "" : ","}${JSON.stringify(item)}`);
      if (at % 100 === 99) await sleep(0);
    }
    response.end("]}");
  }

  #watch(path: string, query: URLSearchParams, response: http.ServerResponse): void {
    const from = Number(query.get("resourceVersion"));
    const { compactedAt, history } = this.collection(path);
    if (from < compactedAt && this.expiry === "status") {
      fail(response, 410, "too old resource version");
      return;
    }
    response.setHeader("content-type", "application/json");
    response.flushHeaders();
    if (from < compactedAt) {
      const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    const watcher = { path, response, from };
    this.#watchers.add(watcher);
    response.once("close", () => this.#watchers.delete(watcher));
    for (const event of history) this.#tell(watcher, event);
  }

  #writeEvent({ path, response }: Watcher, { type, object }: HistoryEvent): void {
    const { apiVersion, kind } = this.collection(path);
    response.write(`${JSON.stringify({ type, object: { apiVersion, kind, ...object } })}\n`);
  }

  #writeBookmark(path: string, response: http.ServerResponse): void {
    const { apiVersion, kind } = this.collection(path);
    const object = { apiVersion, kind, metadata: { resourceVersion: String(this.#version) } };
    response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }
}

/** An API Status. */
function fail(response: http.ServerResponse, code: number, message: string): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, message }));
}
