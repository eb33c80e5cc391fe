/**
 * Everything between the discovery stream and the traffic loops: the subscriber in the middle, what it applied kept
 * on disk, and counted.
 */
import type {
  DiscoveryError,
  DiscoveryResponse,
  LoadReport,
  Node,
  ResourceType,
} from "../../discovery/messages.ts";
import type { DemandReport, LeaseGrant } from "../../discovery/rate-limit.ts";
import { Hosts } from "./hosts.ts";
import type { Change } from "./loop-protocol.ts";
import { restoreSnapshot, SnapshotWriter } from "./persist.ts";
import type { ResourceCheck } from "./store.ts";
import type { SubscriptionLink } from "./subscriber.ts";
import { Subscriber } from "./subscriber.ts";

/** Where the discovery stream meets the sidecar. None of these is called before `connect` has returned. */
export interface StreamHooks {
  readonly node: Node;
  /** From which versions a new stream resumes. */
  versions(type: ResourceType): Readonly<Record<string, string>>;
  /** Resolves when the response is to be acknowledged, with what was refused of it. */
  receive(response: DiscoveryResponse): Promise<readonly DiscoveryError[]>;
  /** `reason`: why there is no stream. */
  connectionChanged(isConnected: boolean, reason?: string): void;
  /** Takes what a traffic loop may do of common limits. */
  lend?(grant: LeaseGrant): void;
}

/** The stream as the sidecar uses it. It reconnects by itself and remembers the subscriptions. */
export interface DiscoveryLink extends SubscriptionLink {
  sendLoad(report: LoadReport): void;
  sendDemand(report: DemandReport): void;
  sendLeaving(): void;
  close(): void | Promise<void>;
}

export type Connect = (hooks: StreamHooks) => DiscoveryLink;

/** Counts since the start. */
export interface DiscoveryCounts {
  readonly isConnected: boolean;
  /** Why the last stream ended; empty where there was none, or one is there. */
  readonly lostBecause: string;
  readonly reconnects: number;
  /** Changes that all loops have applied. */
  readonly updates: number;
  /** Resources refused, by type. */
  readonly nacks: ReadonlyMap<string, number>;
  /** The control plane's version of the source as last seen, by type. */
  readonly systemVersions: ReadonlyMap<string, string>;
  readonly wantedRoutes: number;
}

export interface ConfigurationOptions {
  readonly node: Node;
  readonly connect: Connect;
  /** Gives changes to all loops, in order; resolves when all have applied them. */
  readonly send: (changes: readonly Change[]) => Promise<void>;
  readonly check: ResourceCheck;
  readonly loops: number;
  readonly scope: "lazy" | "all";
  /** Keeps the last good configuration there; absent: nowhere. */
  readonly stateDir?: string;
  /** Names of the mesh are resolved. Default: nobody asks for them. */
  readonly resolves?: boolean;
  readonly warn: (message: string) => void;
  readonly lend: (grant: LeaseGrant) => void;
  /** A stream has begun: what was said on the one before is not known there. */
  readonly onConnected: () => void;
}

export class Configuration {
  readonly subscriber: Subscriber;
  readonly link: DiscoveryLink;
  /** Undefined where names are not resolved. */
  readonly hosts: Hosts | undefined;
  /** Resolves when all loops have both listeners and the policy. */
  readonly ready: Promise<void>;
  readonly #writer: SnapshotWriter | undefined;
  readonly #nacks = new Map<string, number>();
  readonly #systemVersions = new Map<string, string>();
  readonly #options: ConfigurationOptions;
  #isConnected = false;
  #lostBecause = "";
  #connects = 0;
  #updates = 0;

  private constructor(options: ConfigurationOptions) {
    const { node, connect, stateDir, warn } = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#options = options;
    this.link = connect({
      node,
      versions: (type) => (type === "host" ? (this.hosts?.versions() ?? {}) : this.subscriber.versions(type)),
      receive: (response) => this.#receive(response),
      lend: options.lend,
      connectionChanged: (isConnected, reason = "") => {
        this.#isConnected = isConnected;
        this.#lostBecause = reason;
        if (!isConnected) return;
        this.#connects++;
        options.onConnected();
      },
    });
    this.subscriber = new Subscriber({
      ...options,
      link: this.link,
      onApplied: (changes) => {
        this.#updates += changes;
        this.#writer?.changed();
        if (this.subscriber.isConfigured) resolve();
      },
    });
    this.hosts = options.resolves ? new Hosts(this.link, () => this.#writer?.changed()) : undefined;
    if (stateDir !== undefined) {
      const held = { applied: this.subscriber.applied, hosts: () => this.hosts?.held() ?? [] };
      this.#writer = new SnapshotWriter(stateDir, node.id, held, warn);
    }
  }

  /** Begins with what an earlier run left, and asks for the rest. A stream that opened before that is read could not resume from it. */
  static async start(options: ConfigurationOptions): Promise<Configuration> {
    const { stateDir, node, warn } = options;
    const restored = stateDir === undefined ? undefined : await restoreSnapshot(stateDir, node.id);
    if (restored?.kind === "unusable") warn(`starting without the earlier configuration: ${restored.reason}`);
    const configuration = new Configuration(options);
    configuration.subscriber.start(restored?.kind === "restored" ? restored.resources : []);
    if (restored?.kind === "restored") configuration.hosts?.restore(restored.hosts);
    return configuration;
  }

  counts(): DiscoveryCounts {
    return {
      isConnected: this.#isConnected,
      lostBecause: this.#lostBecause,
      reconnects: Math.max(0, this.#connects - 1),
      updates: this.#updates,
      nacks: this.#nacks,
      systemVersions: this.#systemVersions,
      wantedRoutes: this.subscriber.wantedRoutes,
    };
  }

  /** Ends the stream and writes what is not yet on disk. */
  async close(): Promise<void> {
    await this.link.close();
    await this.#writer?.close();
  }

  async #receive(response: DiscoveryResponse): Promise<readonly DiscoveryError[]> {
    const { type } = response;
    this.#systemVersions.set(type, response.systemVersion);
    const { hosts } = this;
    const errors =
      type === "host" && hosts !== undefined
        ? hosts.receive(response)
        : await this.subscriber.receive(response);
    if (errors.length > 0) this.#nacks.set(type, (this.#nacks.get(type) ?? 0) + errors.length);
    for (const { resource, field, message } of errors) {
      this.#options.warn(
        `refused ${type} ${resource ?? ""}${field === undefined ? "" : `, field ${field}`}: ${message}`,
      );
    }
    return errors;
  }
}
