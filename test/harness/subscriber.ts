/** A configuration subscriber between a control plane and traffic loops that the test plays, and the smallest resources for it. */
import type { InboundListenerResource, OutboundListenerResource } from "../../src/discovery/listener.ts";
import type {
  ClusterResource,
  DiscoveryError,
  DiscoveryResponse,
  EndpointsResource,
  Resource,
  ResourceType,
  VersionedResource,
} from "../../src/discovery/messages.ts";
import type { RouteResource } from "../../src/discovery/route.ts";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { Subscriber } from "../../src/proxy/snapshot/subscriber.ts";
import { LIMITS } from "./discovered.ts";

const LOCAL = { workload: "web", namespace: "default", app: "web", version: "v1", principal: "" };
export const OUTBOUND: OutboundListenerResource = {
  name: "outbound",
  local: LOCAL,
  limits: LIMITS,
  outboundPolicy: "ALLOW_ANY",
  clusterDomain: "cluster.local",
  discoveryTimeoutMs: 1_000,
  metricPrefix: "istio",
};
export const INBOUND: InboundListenerResource = {
  name: "inbound",
  local: LOCAL,
  limits: LIMITS,
  metricPrefix: "istio",
  ports: [],
  connectTimeoutMs: 2_000,
};

function serviceOf(name: string) {
  return { name: name.split(".")[0] ?? name, namespace: "default" };
}
export function route(name: string, ...clusters: string[]): RouteResource {
  return {
    name,
    service: serviceOf(name),
    port: 80,
    matches: [],
    rules: [
      {
        name: "",
        action: { kind: "forward", backends: clusters.map((cluster) => ({ cluster, weight: 1 })) },
      },
    ],
  };
}
export function cluster(name: string): ClusterResource {
  return {
    name,
    service: serviceOf(name),
    port: 80,
    protocol: "http1",
    loadBalancer: "leastRequest",
    connectTimeoutMs: 2_000,
    poolIdleTimeoutMs: 3_600_000,
  };
}
export function endpoints(name: string): EndpointsResource {
  return { name, endpoints: [] };
}
export function at<R extends Resource>(version: string, resource: R): VersionedResource<R> {
  return { name: resource.name, version, resource };
}

/** A subscriber with its two ends open: what it asks for, and what it hands to the loops. */
export class SubscriberBench {
  readonly link: string[] = [];
  readonly batches: string[][] = [];
  readonly subscriber: Subscriber;
  #confirm: (() => void)[] = [];
  #nonce = 0;

  constructor(
    options: { scope?: "lazy" | "all"; loops?: number; refuse?: (resource: Resource) => boolean } = {},
  ) {
    this.subscriber = new Subscriber({
      link: {
        subscribe: (type, names) => this.link.push(`+${type} ${names.join(",")}`),
        unsubscribe: (type, names) => this.link.push(`-${type} ${names.join(",")}`),
      },
      send: (changes) => {
        this.batches.push(changes.map(describeChange));
        return new Promise((resolve) => this.#confirm.push(resolve));
      },
      check: (_type, resource): DiscoveryError | undefined =>
        options.refuse?.(resource) ? { code: "invalid", message: "refused", field: "x" } : undefined,
      loops: options.loops ?? 1,
      scope: options.scope ?? "lazy",
    });
  }

  receive(
    type: ResourceType,
    resources: VersionedResource[],
    removed: string[] = [],
  ): Promise<readonly DiscoveryError[]> {
    const response: DiscoveryResponse = {
      type,
      resources,
      removed,
      nonce: `${++this.#nonce}`,
      systemVersion: "1",
    };
    return this.subscriber.receive(response);
  }

  /** All loops confirm what was sent, and what follows from it. */
  async confirm(): Promise<void> {
    while (this.#confirm.length > 0) {
      this.#confirm.shift()?.();
      await tick();
    }
  }

  taken(): string[][] {
    return this.batches.splice(0);
  }
  asked(): string[] {
    return this.link.splice(0);
  }
}

function describeChange(change: Change): string {
  if (change.kind === "secret") return "secret";
  if ("resource" in change) return `${change.kind} ${change.resource.name}`;
  return `${change.kind} ${change.name}${"idle" in change && change.idle ? " idle" : ""}`;
}
/** What a batch brings about has happened. */
export async function tick(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  await tick();
  const unsettled = Symbol();
  return (await Promise.race([promise, Promise.resolve(unsettled)])) !== unsettled;
}

/** With the route `a` → cluster `a` applied. */
export async function withRouteA(bench: SubscriberBench): Promise<void> {
  bench.subscriber.start();
  bench.subscriber.loopSubscribed(0, ["a.default:80"]);
  void bench.receive("route", [at("1", route("a.default:80", "a.default:80"))]);
  void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
  void bench.receive("endpoints", [at("1", endpoints("a.default:80"))]);
  await bench.confirm();
  bench.taken();
  bench.asked();
}
