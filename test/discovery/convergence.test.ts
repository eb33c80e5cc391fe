/**
 * Both ends of the discovery stream with a network between them that delays and breaks: whatever happens in whatever order, once
 * it is quiet the sidecar holds what the source has, for what it subscribes to; of what it refuses, the last good version.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { DiscoveryClient, type OpenTransport, type TransportHandlers } from "../../src/discovery/client.ts";
import type { DiscoveryError, DiscoveryResponse, ResourceType } from "../../src/discovery/messages.ts";
import { DiscoveryServer } from "../../src/discovery/server.ts";
import { nodeOf } from "../harness/node.ts";
import { runs } from "../harness/runs.ts";

const TYPES = ["cluster", "endpoints", "route"] as const;
const NAMES = ["a", "b", "c"] as const;
const NODE = nodeOf("default/web");

/** Versions that end so are refused by the sidecar. */
const BAD = "!";

class World {
  /** What waits to happen: messages on their way, timers. The model's network has no clock, only an order. */
  readonly todo: (() => void)[] = [];
  readonly source = new Map<string, string>();
  readonly live = new Map<string, string>();
  readonly subscribed = new Set<string>();
  resourcesSent = 0;
  server = this.#serve();
  readonly client: DiscoveryClient;
  #change = 0;
  #next = 0;
  #cut: (() => void) | undefined;

  constructor() {
    this.client = new DiscoveryClient(
      this.#transport(),
      {
        node: NODE,
        versions: (type) => this.#held(type),
        receive: (response) => this.#receive(response),
        connectionChanged: () => {},
      },
      {
        random: () => 0.5,
        after: (ms, run) => {
          // What comes after 15 s of peace plays no part here.
          const wait = { isOn: ms < 15_000 };
          if (wait.isOn) this.todo.push(() => wait.isOn && run());
          return () => {
            wait.isOn = false;
          };
        },
      },
    );
  }

  set(type: ResourceType, name: string, isBad: boolean): void {
    this.source.set(`${type} ${name}`, `${++this.#next}${isBad ? BAD : ""}`);
    this.server.changed([{ type, name }], ++this.#change);
  }

  remove(type: ResourceType, name: string): void {
    this.source.delete(`${type} ${name}`);
    this.server.changed([{ type, name }], ++this.#change);
  }

  subscribe(type: ResourceType, name: string): void {
    this.subscribed.add(`${type} ${name}`);
    this.client.subscribe(type, [name]);
  }

  unsubscribe(type: ResourceType, name: string): void {
    this.subscribed.delete(`${type} ${name}`);
    this.live.delete(`${type} ${name}`);
    this.client.unsubscribe(type, [name]);
  }

  /** The connection breaks; messages on their way are lost. */
  cut(): void {
    this.#cut?.();
  }

  /** Another control plane with the same source takes its place. */
  restart(): void {
    this.cut();
    this.server = this.#serve();
  }

  async step(at: number): Promise<void> {
    const [run] = this.todo.splice(at % Math.max(1, this.todo.length), 1);
    run?.();
    await Promise.resolve();
    await Promise.resolve();
  }

  /** In order, until nothing is left. */
  async settle(): Promise<void> {
    for (let steps = 0; this.todo.length > 0; steps++) {
      if (steps > 10_000) throw new Error("it never comes to rest");
      await this.step(0);
    }
  }

  #serve(): DiscoveryServer {
    const server = new DiscoveryServer({
      get: (type, name) => {
        const version = this.source.get(`${type} ${name}`);
        return version === undefined ? undefined : { name, version, resource: { name } as never };
      },
      names: () => [],
    });
    server.ready();
    return server;
  }

  #held(type: ResourceType): Record<string, string> {
    const held: Record<string, string> = {};
    for (const [key, version] of this.live)
      if (key.startsWith(`${type} `)) held[key.slice(type.length + 1)] = version;
    return held;
  }

  async #receive({ type, resources, removed }: DiscoveryResponse): Promise<readonly DiscoveryError[]> {
    this.resourcesSent += resources.length;
    const errors: DiscoveryError[] = [];
    for (const { name, version } of resources) {
      if (version.endsWith(BAD)) errors.push({ code: "invalid", message: "bad", resource: name });
      else if (this.subscribed.has(`${type} ${name}`)) this.live.set(`${type} ${name}`, version);
    }
    for (const name of removed) this.live.delete(`${type} ${name}`);
    return errors;
  }

  #transport(): OpenTransport {
    return (handlers: TransportHandlers) => {
      let isOpen = true;
      // A stream keeps the order of each direction; the two directions and the rest interleave.
      const line = () => {
        const queue: (() => void)[] = [];
        return (run: () => void) => {
          queue.push(run);
          this.todo.push(() => {
            const next = queue.shift();
            if (isOpen) next?.();
          });
        };
      };
      const [up, down] = [line(), line()];
      const end = () => {
        if (!isOpen) return;
        isOpen = false;
        stream.ended("cut");
        this.todo.push(() => handlers.onClosed("cut"));
      };
      const stream = this.server.open((message) => down(() => handlers.onMessage(message)), end);
      this.#cut = end;
      down(() => handlers.onOpen());
      return { send: (message) => up(() => stream.receive(message)), close: end };
    };
  }
}

type Action = (world: World) => void | Promise<void>;

const type = fc.constantFrom(...TYPES);
const name = fc.constantFrom(...NAMES);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.nat(20).map(
      (at): Action =>
        (world) =>
          world.step(at),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(type, name, fc.nat(3)).map(
      ([t, n, odds]): Action =>
        (world) =>
          world.set(t, n, odds === 0),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(type, name).map(
      ([t, n]): Action =>
        (world) =>
          world.remove(t, n),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(type, name).map(
      ([t, n]): Action =>
        (world) =>
          world.subscribe(t, n),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(type, name).map(
      ([t, n]): Action =>
        (world) =>
          world.unsubscribe(t, n),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Action>((world) => world.cut()) },
  { weight: 1, arbitrary: fc.constant<Action>((world) => world.restart()) },
);

it("the sidecar ends with what the source has", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 200, size: "max" }), async (actions) => {
      const world = new World();
      for (const act of actions) await act(world);
      await world.settle();
      for (const key of world.subscribed) {
        const wanted = world.source.get(key);
        const has = world.live.get(key);
        if (wanted === undefined) expect(has, key).toBeUndefined();
        else if (!wanted.endsWith(BAD)) expect(has, key).toBe(wanted);
        else expect(has ?? "", key).not.toMatch(/!$/);
      }
      expect([...world.live.keys()].filter((key) => !world.subscribed.has(key))).toEqual([]);
      const before = world.resourcesSent;
      const bad = [...world.subscribed].filter((key) => world.source.get(key)?.endsWith(BAD));
      world.restart();
      await world.settle();
      // What is held is not sent again; what was refused is tried once by each control plane.
      expect(world.resourcesSent - before).toBe(bad.length);
    }),
    runs(300),
  );
});
