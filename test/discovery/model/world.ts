/** A control plane and a sidecar with two traffic loops, all of it real but for what carries messages, and the loops' tables. */
import { DiscoveryClient } from "../../../src/discovery/client.ts";
import type { ResourceType, VersionedResource } from "../../../src/discovery/messages.ts";
import { RESOURCE_TYPES } from "../../../src/discovery/messages.ts";
import { DiscoveryServer } from "../../../src/discovery/server.ts";
import { Hosts } from "../../../src/proxy/snapshot/hosts.ts";
import { isStoredType, type StoredType } from "../../../src/proxy/snapshot/store.ts";
import { Subscriber, type SubscriptionLink } from "../../../src/proxy/snapshot/subscriber.ts";
import { Transfer } from "../../../src/proxy/snapshot/transfer.ts";
import { nodeOf } from "../../harness/node.ts";
import { AskingLoop } from "./asking-loop.ts";
import { type Edit, Mesh } from "./mesh.ts";
import { type Loss, Network, Schedule } from "./schedule.ts";

/** After so long a stream counts as one that lasts: that plays no part here. */
const PEACE_MS = 15_000;

export interface Beginning {
  readonly scope: "lazy" | "all";
  readonly mesh: readonly Edit[];
  /** What an earlier run of the sidecar left. */
  readonly left: readonly Edit[];
}

export class World {
  readonly mesh = new Mesh();
  readonly scope: "lazy" | "all";
  readonly subscribed = new Map<ResourceType, Set<string>>(RESOURCE_TYPES.map((type) => [type, new Set()]));
  readonly loops: readonly AskingLoop[];
  readonly subscriber: Subscriber;
  readonly hosts: Hosts;
  /** Names that a DNS client waits for. */
  readonly asked = new Map<string, () => void>();
  change = 0;
  readonly #schedule = new Schedule();
  readonly #network: Network;

  constructor({ scope, mesh, left }: Beginning) {
    this.scope = scope;
    const restored = left.map((edit): readonly [StoredType | "host", VersionedResource] => {
      this.mesh.edit(edit);
      return [edit.type, this.mesh.get(edit.type, edit.name) as VersionedResource];
    });
    for (const { type, name } of left) this.mesh.edit({ type, name, content: null, isBad: false });
    for (const edit of mesh) this.mesh.edit(edit);
    this.#network = new Network(this.#schedule, new DiscoveryServer(this.mesh));
    const client = new DiscoveryClient(
      this.#network.open,
      {
        node: nodeOf("default/web"),
        versions: (type) => (type === "host" ? this.hosts.versions() : this.subscriber.versions(type)),
        receive: async (response) =>
          response.type === "host" ? this.hosts.receive(response) : this.subscriber.receive(response),
        connectionChanged: () => {},
      },
      { random: () => 0.5, after: (ms, run) => this.#after(ms, run) },
    );
    const link = this.#watched(client);
    const lanes = [this.#schedule.lane(), this.#schedule.lane()];
    this.loops = lanes.map(
      (lane, index) =>
        new AskingLoop({
          subscribe: (routes) => lane.push(() => this.subscriber.loopSubscribed(index, routes)),
          unsubscribe: (routes) => lane.push(() => this.subscriber.loopUnsubscribed(index, routes)),
        }),
    );
    const transfer: Transfer = new Transfer(
      this.loops.map((loop, index) => {
        const inbox = this.#schedule.lane();
        const confirm = (id: number | undefined) =>
          lanes[index]?.push(() => transfer.confirmed(index, id ?? 0));
        return {
          post: (message) => {
            loop.post(message);
            inbox.push(() => confirm(loop.applyNext()));
          },
        };
      }),
    );
    this.subscriber = new Subscriber({
      ...{ link, check: this.mesh.check, loops: this.loops.length, scope },
      send: (changes) => transfer.send(changes),
    });
    this.hosts = new Hosts(link);
    this.subscriber.start(
      restored.flatMap(([type, versioned]) => (isStoredType(type) ? [[type, versioned] as const] : [])),
    );
    this.hosts.restore(restored.flatMap(([type, versioned]) => (type === "host" ? versioned : [])));
  }

  get server(): DiscoveryServer {
    return this.#network.server;
  }

  /** By all control planes that there were. */
  get resourcesSent(): number {
    return this.#network.resourcesSent;
  }

  edit(edits: readonly Edit[]): void {
    const names = edits.map((edit) => this.mesh.edit(edit));
    this.server.changed(names, ++this.change);
  }

  cut(loss: Loss): void {
    this.#network.cut(loss);
  }

  /** Another control plane with the same resources takes its place; it has yet to read them. */
  restart(loss: Loss): void {
    this.cut(loss);
    this.#network.server = new DiscoveryServer(this.mesh);
  }

  request(loop: number, route: string): void {
    this.loops[loop]?.request(route);
  }

  sweep(loop: number): void {
    if (this.scope === "lazy") this.loops[loop]?.sweep();
  }

  resolve(name: string): void {
    if (this.asked.has(name) || this.hosts.find(name) !== undefined) return;
    const waiter = () => this.asked.delete(name);
    if (this.hosts.ask(name, waiter)) this.asked.set(name, waiter);
  }

  /** Clients have waited long enough for names. */
  leaveNames(): void {
    for (const [name, waiter] of this.asked) this.hosts.leave(name, waiter);
    this.asked.clear();
  }

  /** What is waited for is waited for much more shortly than names are kept. */
  sweepNames(): void {
    this.leaveNames();
    this.hosts.sweep();
  }

  step(at: number): boolean {
    return this.#schedule.step(at);
  }

  /** Everything that waits happens, until nothing does. */
  async rest(): Promise<void> {
    this.server.ready();
    for (let steps = 0; steps < 10_000; steps++) {
      if (this.step(steps)) continue;
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.step(steps)) return;
    }
    throw new Error("it never comes to rest");
  }

  #after(ms: number, run: () => void): () => void {
    if (ms === PEACE_MS) return () => {};
    const lane = this.#schedule.lane();
    lane.push(run);
    return () => {
      lane.length = 0;
    };
  }

  /** Remembers what is subscribed. */
  #watched(link: SubscriptionLink): SubscriptionLink {
    return {
      subscribe: (type, names) => {
        for (const name of names) this.subscribed.get(type)?.add(name);
        link.subscribe(type, names);
      },
      unsubscribe: (type, names) => {
        for (const name of names) this.subscribed.get(type)?.delete(name);
        link.unsubscribe(type, names);
      },
    };
  }
}
