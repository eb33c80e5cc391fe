/**
 * What this sidecar knows of the mesh, and no more than its traffic touches. The subscriber asks for the
 * listeners and the policy at once, for a route when a traffic loop first needs it, then for the clusters that the route names
 * and their endpoints. It hands a route to the loops only when all of these have arrived or are known not to
 * exist (make before break); until then the last good route stays. Modelled on lazy ("on-demand") delta xDS.
 */
import { isAmongAll } from "../../discovery/host.ts";
import type {
  DiscoveryError,
  DiscoveryResponse,
  ResourceType,
  VersionedResource,
} from "../../discovery/messages.ts";
import { WILDCARD } from "../../discovery/messages.ts";
import { INBOUND_POLICY } from "../../discovery/policy.ts";
import { Acknowledgements } from "./acknowledgement.ts";
import type { Change } from "./loop-protocol.ts";
import { type Blocked, makePlan, type PlanState, untouched } from "./plan.ts";
import { clustersOf, References } from "./references.ts";
import { CLUSTER_TYPES, isClusterType, RefusedClusters } from "./refused-clusters.ts";
import { RouteUse } from "./route-use.ts";
import type { AppliedConfig, ResourceCheck, Shelves, StoredType } from "./store.ts";
import { emptyShelves, isStoredType, put, STORED_TYPES } from "./store.ts";

/** Most routes that loops may have subscribed: an application asking for endless names learns of no more. */
export const MAX_ROUTES = 20_000;

/** None that a control plane gives. */
const NO_VERSION = "?";

/** The upward half of the discovery stream, as far as subscriptions go; it remembers them over reconnects. */
export interface SubscriptionLink {
  subscribe(type: ResourceType, names: readonly string[]): void;
  unsubscribe(type: ResourceType, names: readonly string[]): void;
}

export interface SubscriberOptions {
  readonly link: SubscriptionLink;
  /** Gives changes to all loops, in order; resolves when all have applied them. */
  readonly send: (changes: readonly Change[]) => Promise<void>;
  readonly check: ResourceCheck;
  /** Number of traffic loops. */
  readonly loops: number;
  readonly scope: "lazy" | "all";
  /** Called after each change that all loops have applied. */
  readonly onApplied?: (changes: number) => void;
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #received: Shelves<null> = emptyShelves<null>();
  readonly #applied: Shelves<never> = emptyShelves<never>();
  readonly #references = new References();
  readonly #refused = new RefusedClusters();
  readonly #wanted = new Set<string>();
  readonly #use = new RouteUse();
  /** Routes that wait for a cluster, or are refused for the sake of one. */
  readonly #blocked = new Map<string, Blocked>();
  readonly #acknowledgements = new Acknowledgements();
  readonly #plan: PlanState;
  #touched = untouched();
  #isSending = false;
  #isConfigured = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#plan = {
      received: this.#received,
      applied: this.#applied,
      references: this.#references,
      asked: new Set(),
      // All come unasked, and before that nobody knows which there are.
      isWanted: (route) => this.#wanted.has(route) || (options.scope === "all" && !this.#isConfigured),
      readiness: (route) => this.#refused.readiness(route, this.#received),
    };
  }

  /** What the loops serve from, by type and name. */
  get applied(): AppliedConfig {
    return this.#applied;
  }

  /** Routes that loops have asked for, with or without an answer. */
  get wantedRoutes(): number {
    return this.#wanted.size;
  }

  /** All loops have both listeners and the policy: traffic can be served. */
  get isConfigured(): boolean {
    return this.#isConfigured;
  }

  /** Subscribes to what every sidecar needs, after what `restored` brings from an earlier run. */
  start(restored?: readonly (readonly [StoredType, VersionedResource])[]): void {
    const { link, scope, check } = this.#options;
    for (const [type, versioned] of restored ?? []) {
      if (check(type, versioned.resource) !== undefined) continue;
      if (type === "route" && this.#isByName(versioned.name)) this.#wanted.add(versioned.name);
      put(this.#received, type, versioned);
      this.#touched[type].add(versioned.name);
    }
    // First, on a stream that is open already too: with the policy a sidecar is configured.
    if (scope === "all")
      for (const type of ["cluster", "endpoints", "route"] as const) link.subscribe(type, [WILDCARD]);
    link.subscribe("listener", ["inbound", "outbound"]);
    link.subscribe("policy", [INBOUND_POLICY]);
    if (this.#wanted.size > 0) link.subscribe("route", [...this.#wanted]);
    for (const route of this.#received.route.keys()) this.#reference(route);
    if (scope === "lazy") {
      for (const name of this.#received.cluster.keys())
        if (!this.#references.isNamed(name)) this.#forget(name);
    }
    this.#reconcile();
  }

  /**
   * Versions of everything held, from which a new stream resumes. A route that waits is told as of no version, so that it comes
   * again, to be acknowledged or refused on this stream, or is removed.
   */
  versions(type: ResourceType): Record<string, string> {
    const versions: Record<string, string> = {};
    if (!isStoredType(type)) return versions;
    for (const [name, held] of this.#received[type]) {
      if (!held) continue;
      const isWaiting = type === "route" && this.#applied.route.get(name)?.version !== held.version;
      versions[name] = isWaiting ? NO_VERSION : held.version;
    }
    return versions;
  }

  /** Takes a response. Resolves with what was refused, when all loops have applied the rest: then it is acknowledged. */
  receive(response: DiscoveryResponse): Promise<readonly DiscoveryError[]> {
    const { type } = response;
    if (!isStoredType(type)) {
      return Promise.resolve([{ code: "unknown_type", message: `this sidecar takes no ${type} resources` }]);
    }
    const errors: DiscoveryError[] = [];
    const waiting = new Map<string, string | undefined>();
    for (const versioned of response.resources) {
      if (!this.#isOfInterest(type, versioned.name)) continue;
      const error = this.#options.check(type, versioned.resource);
      if (error !== undefined) {
        errors.push({ ...error, resource: versioned.name });
        if (!this.#received[type].get(versioned.name)) this.#markRefused(type, versioned.name);
      } else {
        put(this.#received, type, versioned);
        this.#refused.delete(type, versioned.name);
        waiting.set(versioned.name, versioned.version);
      }
      this.#touch(type, versioned.name);
    }
    for (const name of response.removed) {
      // Listeners and policy belong to the sidecar itself: they may change, never go.
      if (type === "listener" || type === "policy" || !this.#isOfInterest(type, name)) continue;
      this.#received[type].set(name, null);
      this.#refused.delete(type, name);
      waiting.set(name, undefined);
      this.#touch(type, name);
    }
    const acknowledged = this.#acknowledgements.add(type, waiting, errors);
    this.#reconcile();
    return acknowledged;
  }

  /** A loop has its first request for these routes. */
  loopSubscribed(loop: number, routes: readonly string[]): void {
    const added: string[] = [];
    for (const route of routes) {
      this.#plan.asked.add(route);
      this.#touched.route.add(route);
      if (!this.#wanted.has(route)) {
        if (!this.#isByName(route) || this.#wanted.size >= MAX_ROUTES) continue;
        this.#wanted.add(route);
        added.push(route);
      }
      this.#use.asked(route, loop);
    }
    if (added.length > 0) this.#options.link.subscribe("route", added);
    this.#reconcile();
  }

  /** A loop has not used these routes for long; a route that no loop uses is dropped. */
  loopUnsubscribed(loop: number, routes: readonly string[]): void {
    const dropped: string[] = [];
    for (const route of routes) {
      const holders = this.#applied.route.has(route) ? this.#options.loops : 0;
      if (this.#wanted.has(route) && !this.#use.idle(route, loop, holders)) continue;
      // Also what was never followed is told to the loops: they know it as missing.
      this.#touched.route.add(route);
      if (!this.#wanted.delete(route)) continue;
      this.#received.route.delete(route);
      this.#plan.asked.delete(route);
      dropped.push(route);
    }
    if (dropped.length > 0) this.#options.link.unsubscribe("route", dropped);
    this.#reconcile();
  }

  #isByName(route: string): boolean {
    return this.#options.scope === "lazy" || !isAmongAll("route", route);
  }

  #isOfInterest(type: StoredType, name: string): boolean {
    if (type === "listener") return name === "inbound" || name === "outbound";
    if (type === "policy") return name === INBOUND_POLICY;
    if (this.#options.scope === "all") return true;
    return type === "route" ? this.#wanted.has(name) : this.#references.isNamed(name);
  }

  #markRefused(type: StoredType, name: string): void {
    if (!this.#refused.add(type, name)) return;
    // Who follows all, and does not hold it, would not be told on the next stream that it has gone.
    if (this.#options.scope === "all") this.#options.link.subscribe(type, [name]);
  }

  /** Something new is known of a resource: it, and the routes that may have waited for it, are looked at again. */
  #touch(type: StoredType, name: string): void {
    this.#touched[type].add(name);
    if (type === "route") this.#reference(name);
    if (!isClusterType(type)) return;
    for (const route of this.#references.routesOf(name)) {
      if (this.#blocked.delete(route)) this.#touched.route.add(route);
    }
  }

  /** Brings the subscriptions to clusters in line with what the route names, old version and new. */
  #reference(route: string): void {
    const names = new Set<string>();
    for (const shelf of [this.#received.route, this.#applied.route]) {
      const held = shelf.get(route);
      if (held) for (const cluster of clustersOf(held.resource)) names.add(cluster);
    }
    const { added, dropped } = this.#references.replace(route, names);
    const { link, scope } = this.#options;
    for (const type of CLUSTER_TYPES) {
      // Who follows all is not told of what does not exist.
      const unknown = scope === "lazy" ? added : added.filter((name) => !this.#received[type].has(name));
      if (unknown.length > 0) link.subscribe(type, unknown);
    }
    for (const name of dropped) {
      this.#touched.cluster.add(name);
      if (scope === "lazy") this.#forget(name);
    }
    if (dropped.length === 0 || scope === "all") return;
    for (const type of CLUSTER_TYPES) link.unsubscribe(type, dropped);
  }

  #forget(cluster: string): void {
    for (const type of CLUSTER_TYPES) {
      this.#received[type].delete(cluster);
      this.#refused.delete(type, cluster);
    }
  }

  /** Sends what has changed; one batch at a time, so that what arrives meanwhile is coalesced into the next. */
  #reconcile(): void {
    if (this.#isSending) return;
    const touched = this.#touched;
    this.#touched = untouched();
    const { changes, blocked } = makePlan(touched, this.#plan);
    for (const route of touched.route) this.#blocked.delete(route);
    for (const [route, why] of blocked) this.#blocked.set(route, why);
    if (changes.length === 0) {
      this.#settle();
      return;
    }
    this.#isSending = true;
    void this.#options.send(changes).then(() => {
      this.#isSending = false;
      const { listener, policy } = this.#applied;
      if (!this.#isConfigured) for (const route of this.#plan.asked) this.#touched.route.add(route);
      // The policy comes last.
      this.#isConfigured = listener.has("inbound") && listener.has("outbound") && policy.has(INBOUND_POLICY);
      for (const change of changes) {
        if (change.kind === "route") this.#reference(change.resource.name);
        else if (change.kind === "route-removed") this.#reference(change.name);
      }
      this.#settle();
      this.#options.onApplied?.(changes.length);
      if (STORED_TYPES.some((type) => this.#touched[type].size > 0)) this.#reconcile();
    });
  }

  #settle(): void {
    this.#acknowledgements.settle((type, name, version) => {
      if (version !== undefined && this.#applied[type].get(name)?.version === version) return "settled";
      if (this.#touched[type].has(name)) return "waiting";
      return (type === "route" && this.#blocked.get(name)) || "settled";
    });
  }
}
