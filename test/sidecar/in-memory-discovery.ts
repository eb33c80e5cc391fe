/**
 * A control plane small enough for a test: it holds resources (and from the start a policy that lets everything in), answers subscriptions and pushes what the test
 * changes, and it can be taken down. It speaks to the sidecar through the same hooks as the real stream.
 */
import type {
  DiscoveryError,
  DiscoveryResponse,
  LoadReport,
  Node,
  Resource,
  ResourceType,
} from "../../src/discovery/messages.ts";
import { RESOURCE_TYPES, WILDCARD } from "../../src/discovery/messages.ts";
import type { DemandReport } from "../../src/discovery/rate-limit.ts";
import type { DiscoveryLink, StreamHooks } from "../../src/proxy/snapshot/configuration.ts";
import { OPEN } from "../harness/policy.ts";

type ByType<V> = Map<ResourceType, V>;

export class InMemoryDiscovery {
  readonly #resources: ByType<Map<string, { version: string; resource: Resource }>> = new Map();
  readonly #subscribed: ByType<Set<string>> = new Map();
  #hooks: StreamHooks | undefined;
  #version = 0;
  #isUp: boolean;
  readonly loads: LoadReport[] = [];
  readonly demands: DemandReport[] = [];
  readonly nacks: DiscoveryError[] = [];
  /** Resources sent since the start. */
  sent = 0;
  /** Responses that the sidecar has not acknowledged yet. */
  unacknowledged = 0;

  constructor(isUp = true) {
    this.#isUp = isUp;
    for (const type of RESOURCE_TYPES) {
      this.#resources.set(type, new Map());
      this.#subscribed.set(type, new Set());
    }
    this.#resources.get("policy")?.set(OPEN.name, { version: "open", resource: OPEN });
  }

  get node(): Node {
    if (this.#hooks === undefined) throw new Error("no sidecar has connected");
    return this.#hooks.node;
  }

  readonly connect = (hooks: StreamHooks): DiscoveryLink => {
    this.#hooks = hooks;
    if (this.#isUp) queueMicrotask(() => hooks.connectionChanged(true));
    return {
      subscribe: (type, names) => {
        for (const name of names) this.#subscribed.get(type)?.add(name);
        if (this.#isUp) queueMicrotask(() => this.#send(type, names));
      },
      unsubscribe: (type, names) => {
        for (const name of names) this.#subscribed.get(type)?.delete(name);
      },
      sendLoad: (report) => this.loads.push(report),
      sendDemand: (report) => this.demands.push(report),
      sendLeaving: () => {},
      close: () => {
        this.#hooks = undefined;
      },
    };
  };

  subscriptions(type: ResourceType): string[] {
    return [...(this.#subscribed.get(type) ?? [])].sort();
  }

  /** Creates or changes resources, and pushes those that are subscribed. */
  set(type: ResourceType, ...resources: Resource[]): void {
    for (const resource of resources) {
      this.#resources.get(type)?.set(resource.name, { version: `${++this.#version}`, resource });
    }
    this.#push(
      type,
      resources.map(({ name }) => name),
    );
  }

  remove(type: ResourceType, ...names: string[]): void {
    for (const name of names) this.#resources.get(type)?.delete(name);
    this.#push(type, names);
  }

  /** The control plane comes up: the stream resumes from what the sidecar says it holds. */
  up(): void {
    this.#isUp = true;
    this.#hooks?.connectionChanged(true);
    for (const type of RESOURCE_TYPES)
      this.#send(type, this.subscriptions(type), this.#hooks?.versions(type));
  }

  #push(type: ResourceType, names: readonly string[]): void {
    const subscribed = this.#subscribed.get(type);
    this.#send(
      type,
      names.filter((name) => subscribed?.has(name) || subscribed?.has(WILDCARD)),
    );
  }

  #send(type: ResourceType, names: readonly string[], held: Readonly<Record<string, string>> = {}): void {
    const hooks = this.#hooks;
    const shelf = this.#resources.get(type);
    if (hooks === undefined || shelf === undefined || !this.#isUp || names.length === 0) return;
    const wanted = names.includes(WILDCARD) ? [...shelf.keys()] : names;
    const resources = wanted.flatMap((name) => {
      const found = shelf.get(name);
      return found === undefined || held[name] === found.version ? [] : [{ name, ...found }];
    });
    const removed = wanted.filter((name) => !shelf.has(name));
    if (resources.length + removed.length === 0) return;
    this.sent += resources.length;
    this.unacknowledged++;
    const version = `${this.#version}`;
    const response: DiscoveryResponse = { type, resources, removed, nonce: version, systemVersion: version };
    void hooks.receive(response).then((errors) => {
      this.unacknowledged--;
      this.nacks.push(...errors);
    });
  }
}
