/**
 * The sidecar's end of the discovery stream, whatever carries it: remembers subscriptions, resumes from what is held, answers each
 * response when it has been applied, and comes back with jittered exponential back-off when the stream is lost.
 */
import type {
  DiscoveryError,
  DiscoveryResponse,
  DownstreamMessage,
  LoadReport,
  Node,
  ResourceType,
  UpstreamMessage,
} from "./messages.ts";
import { RESOURCE_TYPES } from "./messages.ts";
import type { DemandReport, LeaseGrant } from "./rate-limit.ts";

/** First and longest pause before a new stream; the pause is random up to the bound (full jitter). */
const MIN_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 15_000;

export interface TransportHandlers {
  onOpen(): void;
  onMessage(message: DownstreamMessage): void;
  /** Once, also when it never opened. */
  onClosed(reason: string): void;
}

export interface Transport {
  send(message: UpstreamMessage): void;
  close(): void;
}

export type OpenTransport = (handlers: TransportHandlers) => Transport;

/** What the stream asks of the sidecar. */
export interface ClientHooks {
  readonly node: Node;
  versions(type: ResourceType): Readonly<Record<string, string>>;
  receive(response: DiscoveryResponse): Promise<readonly DiscoveryError[]>;
  /** `reason`: why there is no stream. */
  connectionChanged(isConnected: boolean, reason?: string): void;
  /** Absent: it asks for no leases. */
  lend?(grant: LeaseGrant): void;
}

export interface ClientTimers {
  readonly random: () => number;
  readonly after: (ms: number, run: () => void) => () => void;
}

const SYSTEM_TIMERS: ClientTimers = {
  random: Math.random,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export class DiscoveryClient {
  readonly #open: OpenTransport;
  readonly #hooks: ClientHooks;
  readonly #timers: ClientTimers;
  readonly #subscribed = new Map<ResourceType, Set<string>>();
  #transport: Transport | null = null;
  #isOpen = false;
  #saidNode = false;
  #failures = 0;
  #stopWaiting: (() => void) | null = null;
  #isClosed = false;

  constructor(open: OpenTransport, hooks: ClientHooks, timers: ClientTimers = SYSTEM_TIMERS) {
    this.#open = open;
    this.#hooks = hooks;
    this.#timers = timers;
    for (const type of RESOURCE_TYPES) this.#subscribed.set(type, new Set());
    this.#stopWaiting = timers.after(0, () => this.#connect());
  }

  subscribe(type: ResourceType, names: readonly string[]): void {
    for (const name of names) this.#subscribed.get(type)?.add(name);
    if (this.#isOpen) this.#request({ type, subscribe: names });
  }

  unsubscribe(type: ResourceType, names: readonly string[]): void {
    for (const name of names) this.#subscribed.get(type)?.delete(name);
    if (this.#isOpen) this.#request({ type, unsubscribe: names });
  }

  /** Lost when there is no stream: counters are cumulative in the sidecar's own metrics. */
  sendLoad(report: LoadReport): void {
    if (this.#isOpen) this.#transport?.send({ kind: "load", report });
  }

  /** Lost when there is no stream: on a new one everything is said again. */
  sendDemand(report: DemandReport): void {
    if (this.#isOpen) this.#transport?.send({ kind: "demand", report });
  }

  /** The sidecar drains. Lost when there is no stream: then it counts as missing. */
  sendLeaving(): void {
    if (this.#isOpen) this.#transport?.send({ kind: "leaving" });
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWaiting?.();
    this.#transport?.close();
  }

  #connect(): void {
    this.#stopWaiting = null;
    this.#saidNode = false;
    let isCurrent = true;
    this.#transport = this.#open({
      onOpen: () => {
        if (!isCurrent || this.#isClosed) return;
        this.#isOpen = true;
        // An unchanged mesh says nothing: a stream that lasts has done as well as one that has brought something.
        this.#stopWaiting = this.#timers.after(MAX_BACKOFF_MS, () => {
          this.#failures = 0;
        });
        this.#hooks.connectionChanged(true);
        this.#resume();
      },
      onMessage: (message) => {
        if (!isCurrent || this.#isClosed) return;
        this.#failures = 0;
        if (message.kind === "leases") this.#hooks.lend?.(message.grant);
        else this.#receive(message.response);
      },
      onClosed: (reason) => {
        if (!isCurrent) return;
        isCurrent = false;
        this.#lost(reason);
      },
    });
  }

  /** Says who we are and what we hold; an unchanged mesh answers with nothing. */
  #resume(): void {
    for (const type of RESOURCE_TYPES) {
      const subscribe = [...(this.#subscribed.get(type) ?? [])];
      if (subscribe.length > 0 || !this.#saidNode) {
        this.#request({ type, subscribe, initialVersions: this.#hooks.versions(type) });
      }
    }
  }

  #request(request: Omit<Extract<UpstreamMessage, { kind: "discovery" }>["request"], "node">): void {
    const node = this.#saidNode ? {} : { node: this.#hooks.node };
    this.#saidNode = true;
    this.#transport?.send({ kind: "discovery", request: { ...node, ...request } });
  }

  /**
   * Responses are handed over in the order of their arrival and answered when they are live, which is not the same order: a
   * route waits for the clusters that it names, and those come after it.
   */
  #receive(response: DiscoveryResponse): void {
    const transport = this.#transport;
    void this.#hooks.receive(response).then((errors) => {
      if (transport !== this.#transport || !this.#isOpen) return;
      this.#request({
        type: response.type,
        nonce: response.nonce,
        ...(errors.length === 0 ? {} : { errors }),
      });
    });
  }

  #lost(reason: string): void {
    const wasOpen = this.#isOpen;
    this.#stopWaiting?.();
    this.#isOpen = false;
    this.#transport = null;
    if (wasOpen) this.#hooks.connectionChanged(false, reason);
    if (this.#isClosed) return;
    const bound = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** this.#failures++);
    this.#stopWaiting = this.#timers.after(this.#timers.random() * bound, () => this.#connect());
  }
}
