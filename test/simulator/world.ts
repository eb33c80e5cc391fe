/**
 * A sidecar's outbound side, as it is in production from the first byte of a request to the last of its answer, between scripted
 * clients and instances on virtual time. Nothing of it knows that it is being simulated.
 */
import type { ClusterResource } from "../../src/discovery/messages.ts";
import type { RouteRule } from "../../src/discovery/route.ts";
import { ClusterTable } from "../../src/proxy/cluster-table.ts";
import { endpointKey } from "../../src/proxy/clusters/endpoint.ts";
import { loopContext } from "../../src/proxy/loop-context.ts";
import { Keyring } from "../../src/proxy/net/credentials.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Outbound } from "../../src/proxy/outbound.ts";
import type { UpstreamCluster } from "../../src/proxy/request/listener-context.ts";
import { VirtualHost } from "../../src/proxy/routing/virtual-host.ts";
import { type AllocatedSeries, SlotAllocator } from "../../src/proxy/telemetry/slot-allocator.ts";
import { OUTBOUND } from "../harness/loop.ts";
import { seededRandom } from "../harness/random.ts";
import { Clients } from "./client.ts";
import { type Arrival, Instance, InstanceWire, type Network } from "./instance.ts";
import type { Property } from "./property.ts";
import type { Setup } from "./scenario.ts";
import { Timeline } from "./timeline.ts";

const CLUSTER = "shop.default:80";
/** After the last request everything may finish, by stream idle timeout if need be, until nothing may be left. */
export const QUIET_MS = 330_000;

export class World implements Network {
  readonly timeline = new Timeline();
  readonly random: () => number;
  readonly instances: readonly Instance[];
  readonly cluster: UpstreamCluster;
  readonly clients: Clients;
  readonly setup: Setup;
  readonly seed: number;
  /** Connections to instances that are open, or are being made. */
  connections = 0;
  readonly #outbound: Outbound;
  readonly #watcher: Required<Property>;
  readonly #pages: Float64Array[] = [];
  readonly #series: AllocatedSeries[] = [];

  constructor(setup: Setup, seed: number, watcher: Required<Property>) {
    this.setup = setup;
    this.seed = seed;
    this.#watcher = watcher;
    this.random = seededRandom(seed);
    const allocator = new SlotAllocator(
      (buffer) => this.#pages.push(new Float64Array(buffer)),
      (series) => this.#series.push(series),
    );
    const wheel = new TimerWheel(() => this.timeline.now, this.timeline);
    // The product's chance is its own, so that instances draw the same whatever it does.
    const loop = loopContext(
      wheel,
      new Keyring(),
      allocator,
      seededRandom(~seed),
      (sink, to, _isOwn, _ms, onConnect) => {
        const instance = this.#at(to.address);
        const wire = new InstanceWire(instance, sink);
        instance.connect(wire, () => onConnect(wire.near));
        return wire.near;
      },
    );
    this.#outbound = new Outbound(loop, new ClusterTable(loop, allocator, "source"), allocator, {
      isOwn: () => false,
      scope: "all",
      subscribe() {},
      unsubscribe() {},
    });
    const local = { ...OUTBOUND.local, ...(setup.zone === undefined ? {} : { zone: setup.zone }) };
    this.#outbound.configure({ ...OUTBOUND, local });
    this.cluster = this.#outbound.clusters.set(resourceOf(setup.cluster));
    this.instances = setup.instances.map((script, index) => new Instance(index, script, this));
    this.setEndpoints(this.instances.slice(0, setup.atStart ?? this.instances.length));
    const rule = {
      name: "all",
      action: { kind: "forward", backends: [{ weight: 1, cluster: CLUSTER }] },
    } as const;
    const matches = [{ rule: 0, source: "simulator" }];
    const route = {
      name: "shop.default",
      service: { name: "shop", namespace: "default" },
      port: 80,
      matches,
    };
    this.#outbound.setRoute(
      new VirtualHost({ ...route, rules: [{ ...rule, ...setup.rule } satisfies RouteRule] }),
    );
    this.clients = new Clients(setup.load, setup.durationMs, {
      timeline: this.timeline,
      random: this.random,
      listener: this.#outbound,
      onSent: (request) => watcher.onSent(request),
      onEnded: (outcome) => watcher.onEnded(outcome),
      onFault: (what) => watcher.onFault(what),
    });
    this.timeline.onStep = () => watcher.onStep();
    for (const { at, change } of setup.changes ?? []) this.timeline.at(at, () => change(this));
  }

  run(): void {
    this.timeline.runUntil(this.setup.durationMs + QUIET_MS);
    this.#watcher.onQuiet();
    this.clients.closeAll();
    this.timeline.runUntil(this.setup.durationMs + 2 * QUIET_MS);
    for (const cluster of this.#outbound.clusters.values()) cluster.remove();
    this.timeline.runUntil(this.setup.durationMs + 3 * QUIET_MS);
  }

  setEndpoints(instances: readonly Instance[], weights: readonly number[] = []): void {
    this.cluster.setEndpoints(
      instances.map(({ resource }, i) => ({ ...resource, weight: weights[i] ?? resource.weight })),
    );
  }

  /** Their active checks fail, and no others'. */
  setUnhealthy(instances: readonly Instance[]): void {
    this.cluster.setUnhealthy(new Set(instances.map(({ resource }) => endpointKey(resource))));
  }

  update(cluster: Setup["cluster"]): void {
    this.#outbound.clusters.set(resourceOf(cluster));
  }

  /** Sum of a metric's first slot over its series. */
  metric(name: string): number {
    let sum = 0;
    for (const series of this.#series)
      if (series.name === name) sum += this.#pages[series.page]?.[series.offset] ?? 0;
    return sum;
  }

  onArrival(arrival: Arrival): void {
    this.#watcher.onArrival(arrival, this.clients.open.get(arrival.request));
  }

  onFailure(arrival: Arrival | null, instance: Instance, why: string): void {
    this.#watcher.onFailure(arrival, instance, why);
  }

  #at(address: string): Instance {
    const instance = this.instances[Number(address.slice(address.lastIndexOf(".") + 1)) - 1];
    if (instance === undefined) throw new RangeError(`nobody is at ${address}`);
    return instance;
  }
}

function resourceOf(settings: Setup["cluster"]): ClusterResource {
  return {
    name: CLUSTER,
    service: { name: "shop", namespace: "default" },
    port: 80,
    protocol: "http1",
    loadBalancer: "leastRequest",
    connectTimeoutMs: 1_000,
    poolIdleTimeoutMs: 5_000,
    ...settings,
  };
}
