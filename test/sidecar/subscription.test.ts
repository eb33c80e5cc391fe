/**
 * Whatever the order of events, a loop never holds a route without the clusters that it names and their endpoints,
 * and in the end it holds what was asked for, in its newest version, and nothing else. The loop here is a table that
 * applies the messages a real one gets and confirms them later.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ListenerResource } from "../../src/discovery/listener.ts";
import { clustersOf } from "../../src/proxy/snapshot/references.ts";
import { Subscriber } from "../../src/proxy/snapshot/subscriber.ts";
import { Transfer } from "../../src/proxy/snapshot/transfer.ts";
import { TableLoop } from "../harness/table-loop.ts";
import { InMemoryDiscovery } from "./in-memory-discovery.ts";
import { listeners, service } from "./resources.ts";

const SERVICES = ["a", "b", "c", "d"] as const;
type Service = (typeof SERVICES)[number];
const nameOf = (name: Service): string => `${name}.default:80`;

type Event =
  | { readonly kind: "route"; readonly service: Service; readonly to: readonly Service[] }
  | { readonly kind: "route-removed"; readonly service: Service }
  | { readonly kind: "endpoints"; readonly service: Service }
  | { readonly kind: "subscribe"; readonly loop: number; readonly service: Service }
  | { readonly kind: "unsubscribe"; readonly loop: number; readonly service: Service }
  | { readonly kind: "confirm"; readonly loop: number }
  | { readonly kind: "pause" };

const serviceName = fc.constantFrom(...SERVICES);
const loop = fc.nat(1);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constant("route" as const),
    service: serviceName,
    to: fc.uniqueArray(serviceName, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("route-removed" as const), service: serviceName }),
  fc.record({ kind: fc.constant("endpoints" as const), service: serviceName }),
  fc.record({ kind: fc.constant("subscribe" as const), loop, service: serviceName }),
  fc.record({ kind: fc.constant("unsubscribe" as const), loop, service: serviceName }),
  fc.record({ kind: fc.constant("confirm" as const), loop }),
  fc.record({ kind: fc.constant("pause" as const) }),
);

/** Looks after each message whether something is named that is not there. */
class WatchedLoop extends TableLoop {
  override applyNext(): number | undefined {
    const id = super.applyNext();
    for (const route of this.routes.values()) {
      for (const cluster of clustersOf(route)) {
        expect([route.name, cluster, this.clusters.has(cluster)]).toEqual([route.name, cluster, true]);
        expect([route.name, cluster, this.endpoints.has(cluster)]).toEqual([route.name, cluster, true]);
      }
    }
    return id;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

it("makes before it breaks, converges, and keeps nothing that nobody uses", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 60 }), async (events) => {
      const discovery = new InMemoryDiscovery();
      const routes = new Map<string, readonly Service[]>();
      const ports = new Map<string, number>();
      const publishRoute = (name: Service, to: readonly Service[]): void => {
        routes.set(nameOf(name), to);
        const backends = to.map((cluster) => ({ cluster: nameOf(cluster), weight: 1 }));
        const { route } = service(name, []);
        discovery.set("route", {
          ...route,
          rules: [{ name: "", action: { kind: "forward", backends } }],
        } as typeof route);
      };
      for (const name of SERVICES) {
        discovery.set("cluster", service(name, []).cluster);
        ports.set(nameOf(name), 1);
        discovery.set("endpoints", service(name, [1]).endpoints);
        publishRoute(name, [name]);
      }
      discovery.set("listener", ...(listeners(1) as ListenerResource[]));

      const loops = [new WatchedLoop(), new WatchedLoop()];
      const transfer = new Transfer(loops);
      let subscriber: Subscriber | undefined;
      const link = discovery.connect({
        node: {} as never,
        versions: (type) => subscriber?.versions(type) ?? {},
        receive: async (response) => (await subscriber?.receive(response)) ?? [],
        connectionChanged: () => {},
      });
      subscriber = new Subscriber({
        link,
        send: (changes) => transfer.send(changes),
        check: () => undefined,
        loops: loops.length,
        scope: "lazy",
      });
      subscriber.start();
      const confirm = (index: number): boolean => {
        const id = loops[index]?.applyNext();
        if (id !== undefined) transfer.confirmed(index, id);
        return id !== undefined;
      };

      for (const step of events) {
        if (step.kind === "route") publishRoute(step.service, step.to);
        else if (step.kind === "route-removed") {
          routes.delete(nameOf(step.service));
          discovery.remove("route", nameOf(step.service));
        } else if (step.kind === "endpoints") {
          const port = (ports.get(nameOf(step.service)) ?? 0) + 1;
          ports.set(nameOf(step.service), port);
          discovery.set("endpoints", service(step.service, [port]).endpoints);
        } else if (step.kind === "subscribe") subscriber.loopSubscribed(step.loop, [nameOf(step.service)]);
        else if (step.kind === "unsubscribe") subscriber.loopUnsubscribed(step.loop, [nameOf(step.service)]);
        else if (step.kind === "confirm") confirm(step.loop);
        else await settle();
      }
      for (let more = true; more; ) {
        await settle();
        more = [confirm(0), confirm(1)].includes(true);
      }

      const wanted = discovery.subscriptions("route").filter((name) => routes.has(name));
      const used = new Set(wanted.flatMap((name) => (routes.get(name) ?? []).map(nameOf)));
      for (const { routes: got, clusters, endpoints } of loops) {
        expect([...got.keys()].sort()).toEqual(wanted);
        for (const [name, route] of got) {
          expect([...clustersOf(route)].sort()).toEqual((routes.get(name) ?? []).map(nameOf).sort());
        }
        expect([...clusters.keys()].sort()).toEqual([...used].sort());
        const served = [...endpoints].map(([name, [first]]) => [name, first?.port]);
        expect(served.sort()).toEqual([...used].sort().map((name) => [name, ports.get(name)]));
      }
      expect(discovery.subscriptions("cluster")).toEqual([...used].sort());
      expect(discovery.subscriptions("endpoints")).toEqual([...used].sort());
      expect(discovery.unacknowledged).toBe(0);
    }),
    { numRuns: 300 },
  );
});
