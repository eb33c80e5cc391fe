/**
 * One sidecar's stream as the control plane sees it: what it subscribes to, what it holds, what it was sent and has not answered. One
 * response of a type is under way at a time, so a slow sidecar gets the newest state and never a growing queue.
 */
import { isAmongAll } from "./host.ts";
import type { LeaseDesk } from "./lease-desk.ts";
import type {
  DiscoveryRequest,
  DownstreamMessage,
  Node,
  ResourceType,
  UpstreamMessage,
  VersionedResource,
} from "./messages.ts";
import { REFUSED, RESOURCE_TYPES, WILDCARD } from "./messages.ts";
import type { DiscoveryObserver, NackRecord } from "./observer.ts";
import type { Rejection } from "./progress.ts";
import type { ChangedName, ResourceSource } from "./server.ts";
import { type SidecarStatus, stateOf, statusOf } from "./sidecar-status.ts";
import { TypeState } from "./type-state.ts";

const MAX_SUBSCRIPTIONS = 100_000;
/** Held "version" of a name that the sidecar knows not to exist. */
const ABSENT = "";

export type SendMessage = (message: DownstreamMessage) => void;

export interface StreamContext {
  readonly source: ResourceSource;
  readonly send: SendMessage;
  readonly close: (reason: string) => void;
  readonly isReady: () => boolean;
  /** Number of the latest change. */
  readonly change: () => number;
  readonly settled: (type: ResourceType, name: string, rejection: Rejection | undefined) => void;
  readonly observer: DiscoveryObserver;
  readonly leases: LeaseDesk;
  readonly identified: (node: Node) => void;
  readonly ended: (reason: string) => void;
}

export class ServerStream {
  readonly #context: StreamContext;
  readonly #types = new Map<ResourceType, TypeState>();
  readonly #connectedSince = new Date().toISOString();
  #node: Node | undefined;
  #nonce = 0;
  #applied = 0;
  #hasEnded = false;
  #isLeaving = false;

  constructor(context: StreamContext) {
    this.#context = context;
    for (const type of RESOURCE_TYPES) this.#types.set(type, new TypeState());
  }

  get id(): string {
    return this.#node?.id ?? "";
  }

  /** The sidecar has said that it goes. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Undefined until the sidecar has said who it is. */
  get node(): Node | undefined {
    return this.#node;
  }

  receive(message: UpstreamMessage): void {
    if (this.#hasEnded) return;
    if (message.kind === "load") {
      if (this.#node !== undefined) this.#context.observer.load(this.#node, message.report);
      return;
    }
    if (message.kind === "demand") {
      if (this.#node !== undefined) this.#context.leases.report(this, this.#node, message.report);
      return;
    }
    if (message.kind === "leaving") {
      this.#isLeaving = true;
      if (this.#node !== undefined) this.#context.observer.leaving(this.#node);
      return;
    }
    const { request } = message;
    this.note();
    if (this.#node === undefined) {
      if (request.node === undefined) {
        this.end("the first request must say which node it is");
        return;
      }
      const refusal = this.#context.source.refusal?.(request.node);
      if (refusal !== undefined) {
        this.end(`${REFUSED}${refusal}`);
        return;
      }
      this.#node = request.node;
      this.#context.identified(request.node);
    }
    const state = this.#state(request.type);
    this.#acknowledge(request, state);
    if (this.#subscribe(request, state)) this.flush();
  }

  readonly sendLeases = (message: DownstreamMessage): void => {
    if (!this.#hasEnded) this.#context.send(message);
  };

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
    const { isWildcard, subscribed } = this.#state(type);
    return subscribed.has(name) || (isWildcard && isAmongAll(type, name));
  }

  /** Whether the sidecar has applied this version. */
  holds(type: ResourceType, name: string, version: string): boolean {
    return this.#state(type).held.get(name) === version;
  }

  /** To be called before anything changes: remembers the latest change if the sidecar has applied all of it. */
  note(): void {
    if (this.#node !== undefined && stateOf(this.#types) === "synced") this.#applied = this.#context.change();
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
    for (const name of request.unsubscribe ?? []) this.#unsubscribe(request.type, name, state);
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

  #unsubscribe(type: ResourceType, name: string, state: TypeState): void {
    if (name === WILDCARD) {
      state.isWildcard = false;
      for (const known of state.known()) if (!state.subscribed.has(known)) this.#forget(type, known, state);
      return;
    }
    state.subscribed.delete(name);
    if (!this.wants(type, name)) this.#forget(type, name, state);
    else {
      // The sidecar can't know whether it is among all, and has forgotten it: it is told anew.
      state.forget(name);
      state.pending.add(name);
    }
  }

  #forget(type: ResourceType, name: string, state: TypeState): void {
    // Who no longer wants it is not waited for.
    if (state.forget(name)) this.#context.settled(type, name, undefined);
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
      // Who has refused a newer one is told that the one it holds is the latest again: it may wait for what the other lacks.
      if (refused === undefined && state.held.get(name) === version) {
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
    const systemVersion = String(this.#context.change());
    this.#context.send({ kind: "discovery", response: { type, resources, removed, nonce, systemVersion } });
  }

  /** Undefined until the sidecar has said who it is. */
  status(): SidecarStatus | undefined {
    const node = this.#node;
    if (node === undefined) return undefined;
    this.note();
    return statusOf(node, this.#types, this.#connectedSince, this.#applied);
  }
}

function rejectionOf(sidecar: string, { resource, message, field }: NackRecord): Rejection {
  return { sidecar, resource, message, ...(field === undefined ? {} : { field }) };
}
