import { describe, expect, it } from "vitest";
import { registering } from "../../../test/harness/node.ts";
import type { Node } from "../../discovery/messages.ts";
import type { Resource } from "../../resources/resource.ts";
import { NO_INSTANCES, NOTHING_MOVED } from "../compile/instances.ts";
import { Registrations } from "./registrations.ts";

const PORT = { name: "http", port: 80 };

function service(
  name: string,
  more: object = {},
  annotations: Readonly<Record<string, string>> = {},
): Resource {
  const metadata = { name, namespace: "default", annotations };
  return { kind: "Service", metadata, spec: { ports: [PORT], ...more } } as unknown as Resource;
}

function node(workload: string, more: Partial<Node> = {}): Node {
  return registering(workload, { labels: { version: "v2", app: "other" }, ...more });
}

/** With a clock that is moved by hand. */
function registry(...services: readonly Resource[]) {
  const timers = new Set<() => void>();
  let changes = 0;
  const registrations = new Registrations({
    known: NO_INSTANCES,
    onChange: () => void changes++,
    after: (_ms, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  });
  registrations.see(services);
  const pass = () => {
    for (const run of [...timers]) {
      timers.delete(run);
      run();
    }
  };
  const names = (of = "web", port = PORT) =>
    registrations.at(`default/${of}`, port).map(({ workload }) => workload.metadata.name);
  return { registrations, pass, names, changes: () => changes, waits: () => timers.size };
}

describe("whoever registers", () => {
  it("is an instance at its sidecar's port, with the labels that the Service selects by", () => {
    const { registrations } = registry(service("web", { selector: { app: "web" } }));
    registrations.arrived(node("one"));
    const [at] = registrations.at("default/web", PORT);
    expect(at).toMatchObject({ address: "10.0.0.7", port: 8_080 });
    expect(at?.workload).toEqual({
      metadata: { name: "one", namespace: "default", labels: { version: "v2", app: "web" } },
      spec: { address: "10.0.0.7", inboundPort: 15_006, serviceAccount: "web" },
    });
    expect(registrations.count("default/web")).toBe(1);
    expect([...registrations.take().services]).toEqual(["default/web"]);
    expect(registrations.take()).toEqual(NOTHING_MOVED);
  });

  it("gives itself no labels that policies of others believe", () => {
    const { registrations } = registry(service("web", { selector: { app: "web" } }));
    registrations.arrived(node("one", { labels: { role: "admin" } }));
    const [[, workloads]] = [...registrations.byNamespace] as unknown as [
      [string, Map<string, { metadata: object }>],
    ];
    expect([...workloads.values()].map(({ metadata }) => metadata)).toEqual([
      { name: "one", namespace: "default", labels: { app: "web" } },
    ]);
  });

  it("serves of several ports the one that leads to its own", () => {
    const ports = [PORT, { name: "admin", port: 81, targetPort: 8_080 }];
    const { registrations, names } = registry(service("web", { ports }));
    registrations.arrived(node("one"));
    expect(names("web", PORT)).toEqual([]);
    expect(names("web", ports[1])).toEqual(["one"]);
  });
});

describe("its end", () => {
  it("is at once where it drains", () => {
    const { registrations, names, changes } = registry(service("web"));
    registrations.arrived(node("one"));
    registrations.leaving(node("one"));
    expect(names()).toEqual([]);
    expect(changes()).toBe(2);
  });

  it("is waited for where its stream is lost, and nobody is told if it comes back", () => {
    const { registrations, names, changes, pass, waits } = registry(service("web"));
    const first = node("one");
    registrations.arrived(first);
    registrations.left(first);
    expect(names()).toEqual(["one"]);
    registrations.arrived(node("one"));
    expect(waits()).toBe(0);
    expect(changes()).toBe(1);

    const [last] = registrations.nodes as [Node];
    registrations.left(last);
    pass();
    expect(names()).toEqual([]);
    expect(changes()).toBe(2);
  });

  it("of an old stream is none where a new one is there", () => {
    const { registrations, names, pass } = registry(service("web"));
    const [old, later] = [node("one"), node("one", { address: "10.0.0.8" })];
    registrations.arrived(old);
    registrations.arrived(later);
    registrations.left(old);
    pass();
    expect(names()).toEqual(["one"]);
  });

  it("comes for those of an earlier run who do not come back", () => {
    const { registrations, names, pass } = registry(service("web"));
    registrations.restore([node("one"), node("two")]);
    registrations.arrived(node("two"));
    expect(names()).toEqual(["one", "two"]);
    pass();
    expect(names()).toEqual(["two"]);
  });
});

describe("refused is", () => {
  const cases: readonly (readonly [what: string, node: Node, reason: RegExp])[] = [
    ["no Service", node("one", { service: "wbe" }), /there is no Service default\/wbe, did you mean "web"\?/],
    [
      "another account",
      node("one", { serviceAccount: "other" }),
      /service account other may not join .*, web may/,
    ],
    ["a name for an address", node("one", { address: "web.local" }), /"web.local" is no address/],
    ["another namespace's workload", node("shop/one"), /"shop\/one" is no name for it/],
    [
      "no port",
      node("one", { ports: { inbound: 1, outbound: 1, admin: 1, telemetry: 1 } }),
      /does not say on which port/,
    ],
    ["port 0", node("one", { ports: { ...node("x").ports, inbound: 0 } }), /0 is no port/],
    [
      "somebody else's name",
      node("taken", { service: "other", serviceAccount: "other" }),
      /there is a workload default\/taken already/,
    ],
  ];
  it.each(cases)("%s", (_what, refused, reason) => {
    const { registrations, changes } = registry(service("web"), service("other"));
    registrations.arrived(node("taken"));
    expect(registrations.refusal(refused)).toMatch(reason);
    const before = changes();
    registrations.take();
    if (refused.workload !== "taken") registrations.arrived(refused);
    expect(registrations.count("default/web")).toBe(1);
    expect(changes() - before).toBeLessThanOrEqual(1);
  });

  it("nobody who does not ask for it, or before anything was read", () => {
    const { registrations } = registry();
    expect(registrations.refusal(node("one"))).toBe(undefined);
    registrations.see([service("web")]);
    const { registers: _, ...plain } = node("one", { serviceAccount: "other" });
    expect(registrations.refusal(plain)).toBe(undefined);
  });

  it("whoever the annotation leaves out, also when it has been let in", () => {
    const { registrations, names } = registry(service("web", {}, { "weft.dev/join": "a, b" }));
    const [a, web] = [node("a", { serviceAccount: "a" }), node("web")];
    expect([a, web].map((each) => registrations.refusal(each) === undefined)).toEqual([true, false]);
    registrations.arrived(a);
    expect(names()).toEqual(["a"]);
    registrations.see([service("web", {}, { "weft.dev/join": "b" })]);
    expect(names()).toEqual([]);
  });
});
