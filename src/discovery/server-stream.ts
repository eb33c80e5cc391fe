/**
 * One sidecar's stream as the control plane sees it: what it subscribes to, what it holds, what it was sent and has not answered. One
 * response of a type is under way at a time, so a slow sidecar gets the newest state and never a growing queue.
 */
import type {
  DiscoveryRequest,
  DownstreamMessage,
  Node,
  ResourceType,
  UpstreamMessage,
  VersionedResource,
} from "./messages.ts";
import { RESOURCE_TYPES, WILDCARD } from "./messages.ts";
import type { DiscoveryObserver, NackRecord } from "./observer.ts";
import type { Rejection } from "./progress.ts";
import type { ChangedName, ResourceSource } from "./server.ts";

const MAX_SUBSCRIPTIONS = 100_000;
const MAX_NACKS = 16;
/** Held "version" of a name that the sidecar knows not to exist. */
const ABSENT = "";

export type SendMessage = (message: DownstreamMessage) => void;

export interface SidecarStatus {
  readonly id: string;
  readonly namespace: string;
  readonly workload: string;
  readonly version: string;
  readonly connectedSince: string;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly state: "synced" | "stale" | "rejected" | "disconnected";
  /** Only of a sidecar that is disconnected; ISO 8601. */
  readonly disconnectedSince?: string;
  /** Resources by type: known to the sidecar, and those of them that it has applied in their latest version. */
  readonly types: Readonly<Record<string, { readonly sent: number; readonly applied: number }>>;
  readonly subscriptions: number;
  /** What it refuses now, at most 16. */
  readonly nacks: readonly NackRecord[];
}

export interface StreamContext {
  readonly source: ResourceSource;
  readonly send: SendMessage;
  readonly close: (reason: string) => void;
  readonly isReady: () => boolean;
  readonly systemVersion: () => string;
  readonly settled: (type: ResourceType, name: string, rejection: Rejection | undefined) => void;
  readonly observer: DiscoveryObserver;
  readonly identified: (id: string) => void;
  readonly ended: (reason: string) => void;
}

interface Outstanding {
  readonly nonce: string;
  /** Version sent, or ABSENT, by name. */
  readonly versions: ReadonlyMap<string, string>;
}

class TypeState {
  readonly subscribed = new Set<string>();
  isWildcard = false;
  readonly held = new Map<string, string>();
  readonly rejected = new Map<string, NackRecord>();
  readonly pending = new Set<string>();
  outstanding: Outstanding | null = null;
}

export class ServerStream {
  readonly #context: StreamContext;
  readonly #types = new Map<ResourceType, TypeState>();
  readonly #connectedSince = new Date().toISOString();
  #node: Node | undefined;
  #nonce = 0;
  #hasEnded = false;

  constructor(context: StreamContext) {
    this.#context = context;
    for (const type of RESOURCE_TYPES) this.#types.set(type, new TypeState());
  }

  get id(): string {
    return this.#node?.id ?? "";
  }

  receive(message: UpstreamMessage): void {
    if (this.#hasEnded) return;
    if (message.kind === "load") {
      if (this.#node !== undefined) this.#context.observer.load(this.#node, message.report);
      return;
    }
    const { request } = message;
    if (this.#node === undefined) {
      if (request.node === undefined) {
        this.end("the first request must say which node it is");
        return;
      }
      this.#node = request.node;
      this.#context.identified(request.node.id);
    }
    const state = this.#state(request.type);
    this.#acknowledge(request, state);
    if (this.#subscribe(request, state)) this.flush();
  }

  /** Ends the stream from this side. */
  end(reason: string): void {
    if (this.#hasEnded) return;
    this.ended(reason);
    this.#context.close(reason);
  }

  /** The transport has gone. */
  ended(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#context.ended(reason);
  }

  wants(type: ResourceType, name: string): boolean {
    const state = this.#state(type);
    return state.isWildcard || state.subscribed.has(name);
  }

  changed(names: readonly ChangedName[]): void {
    for (const { type, name } of names) this.#state(type).pending.add(name);
    this.flush();
  }

  #state(type: ResourceType): TypeState {
    const state = this.#types.get(type);
    if (state === undefined) throw new TypeError(`unknown resource type ${type}`);
    return state;
  }

  #acknowledge(request: DiscoveryRequest, state: TypeState): void {
    const { outstanding } = state;
    // A stale nonce answers something that is no longer asked; its subscriptions count all the same.
    if (request.nonce === undefined || outstanding === null || outstanding.nonce !== request.nonce) return;
    state.outstanding = null;
    const errors = new Map((request.errors ?? []).map((error) => [error.resource ?? "", error]));
    const refused: NackRecord[] = [];
    let isMended = false;
    for (const [name, version] of outstanding.versions) {
      const error = errors.get(name) ?? errors.get("");
      let rejection: Rejection | undefined;
      if (error === undefined) {
        state.held.set(name, version);
        isMended = state.rejected.delete(name) || isMended;
      } else {
        const resource = `${request.type} ${name}`;
        const { message } = error;
        const field = error.field === undefined ? {} : { field: error.field };
        const nack = { resource, version, message, ...field, at: new Date().toISOString() };
        rejection = rejectionOf(this.id, nack);
        state.rejected.set(name, nack);
        refused.push(nack);
      }
      if (!state.pending.has(name)) this.#context.settled(request.type, name, rejection);
    }
    const taken = outstanding.versions.size - refused.length;
    this.#context.observer.answered(this.id, request.type, taken, refused);
    if (isMended) this.#retryAfter(request.type);
    this.flush();
  }

  /** What a sidecar refused it may have refused for the sake of what comes before it, and that is mended. */
  #retryAfter(mended: ResourceType): void {
    for (const type of RESOURCE_TYPES.slice(RESOURCE_TYPES.indexOf(mended) + 1)) {
      const { rejected, pending } = this.#state(type);
      for (const name of rejected.keys()) pending.add(name);
      rejected.clear();
    }
  }

  /** True when there is something to look at. */
  #subscribe(request: DiscoveryRequest, state: TypeState): boolean {
    for (const name of request.unsubscribe ?? []) {
      if (name === WILDCARD) state.isWildcard = false;
      state.subscribed.delete(name);
      if (state.isWildcard) continue;
      state.held.delete(name);
      state.rejected.delete(name);
      state.pending.delete(name);
    }
    for (const [name, version] of Object.entries(request.initialVersions ?? {}))
      state.held.set(name, version);
    for (const name of request.subscribe ?? []) {
      if (name === WILDCARD) {
        state.isWildcard = true;
        for (const held of state.held.keys()) state.pending.add(held);
        if (this.#node !== undefined) {
          for (const known of this.#context.source.names(request.type, this.#node)) state.pending.add(known);
        }
      } else {
        state.subscribed.add(name);
        state.pending.add(name);
      }
    }
    if (state.subscribed.size > MAX_SUBSCRIPTIONS) {
      this.end(`more than ${MAX_SUBSCRIPTIONS} subscriptions`);
      return false;
    }
    return state.pending.size > 0;
  }

  /** Sends what differs from what the sidecar holds, in the order of types. */
  flush(): void {
    if (this.#node === undefined || this.#hasEnded || !this.#context.isReady()) return;
    for (const type of RESOURCE_TYPES) {
      const state = this.#state(type);
      if (state.outstanding === null && state.pending.size > 0) this.#send(type, state, this.#node);
    }
  }

  #send(type: ResourceType, state: TypeState, node: Node): void {
    const resources: VersionedResource[] = [];
    const removed: string[] = [];
    const versions = new Map<string, string>();
    const names = [...state.pending];
    state.pending.clear();
    for (const name of names) {
      const resource = this.#context.source.get(type, name, node);
      const version = resource?.version ?? ABSENT;
      const refused = state.rejected.get(name);
      if (state.held.get(name) === version) {
        // What it refused is no longer wanted: it has the latest.
        if (state.rejected.delete(name)) this.#retryAfter(type);
        this.#context.settled(type, name, undefined);
        continue;
      }
      if (refused?.version === version) {
        this.#context.settled(type, name, rejectionOf(this.id, refused));
        continue;
      }
      versions.set(name, version);
      if (resource === undefined) removed.push(name);
      else resources.push(resource);
    }
    if (versions.size === 0) return;
    const nonce = String(++this.#nonce);
    state.outstanding = { nonce, versions };
    const systemVersion = this.#context.systemVersion();
    this.#context.send({ kind: "discovery", response: { type, resources, removed, nonce, systemVersion } });
  }

  /** Undefined until the sidecar has said who it is. */
  status(): SidecarStatus | undefined {
    const node = this.#node;
    if (node === undefined) return undefined;
    const all = [...this.#types];
    const isStale = all.some(([, state]) => state.outstanding !== null || state.pending.size > 0);
    const isRejected = all.some(([, state]) => state.rejected.size > 0);
    const types = all
      .filter(([, state]) => state.held.size + state.rejected.size > 0 || state.outstanding !== null)
      .map(([type, state]) => {
        const known = new Set([
          ...state.held.keys(),
          ...state.rejected.keys(),
          ...(state.outstanding?.versions.keys() ?? []),
        ]);
        const behind = new Set([
          ...state.rejected.keys(),
          ...(state.outstanding?.versions.keys() ?? []),
          ...state.pending,
        ]);
        return [
          type,
          { sent: known.size, applied: [...known].filter((name) => !behind.has(name)).length },
        ] as const;
      });
    return {
      id: node.id,
      namespace: node.namespace,
      workload: node.workload,
      version: node.version,
      connectedSince: this.#connectedSince,
      address: node.address,
      ports: node.ports,
      state: isRejected ? "rejected" : isStale ? "stale" : "synced",
      types: Object.fromEntries(types),
      subscriptions: all.reduce((sum, [, state]) => sum + state.subscribed.size, 0),
      nacks: all.flatMap(([, state]) => [...state.rejected.values()]).slice(0, MAX_NACKS),
    };
  }
}

function rejectionOf(sidecar: string, { resource, message, field }: NackRecord): Rejection {
  return { sidecar, resource, message, ...(field === undefined ? {} : { field }) };
}
