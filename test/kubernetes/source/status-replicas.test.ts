/** Statuses where several replicas have sidecars: one writes, all count, and nobody answers anybody's writing with writing. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChangeProgress } from "../../../src/control-plane/plane.ts";
import { StatusKeeper } from "../../../src/control-plane/source/kubernetes/status-keeper.ts";
import type { ApiObject, Json } from "./api-objects.ts";
import type { ApiServer } from "./api-server.ts";
import { newCluster, pathOf, service } from "./cluster.ts";
import { apiTo, type Opened, openSource, until } from "./harness.ts";

const LIMITS = pathOf("RateLimit");
const ROUTES = pathOf("HTTPRoute");
let server: ApiServer;

interface Replica {
  readonly opened: Opened;
  readonly keeper: StatusKeeper;
  leads: boolean;
  progress: ChangeProgress;
}
let replicas: Replica[] = [];

beforeEach(async () => {
  replicas = [];
  server = newCluster();
  server.put(pathOf("Service"), service("web"));
  await server.listen();
});

afterEach(async () => {
  for (const { keeper, opened } of replicas) {
    keeper.close();
    opened.source.close();
  }
  await server.close();
});

const applied = (concerned: number, more: Partial<ChangeProgress> = {}): ChangeProgress => ({
  change: 1,
  state: "applied",
  concerned,
  applied: concerned,
  rejected: [],
  ...more,
});

async function join(leads: boolean, progress: ChangeProgress): Promise<Replica> {
  const opened = openSource(server);
  await opened.source.synced;
  const replica: Replica = {
    opened,
    leads,
    progress,
    keeper: new StatusKeeper({
      api: apiTo(server),
      source: opened.source,
      isLeader: () => replica.leads,
      progress: () => replica.progress,
      others: () => replicas.filter((other) => other !== replica).map(({ keeper }) => keeper.objects()),
      onError: () => {},
    }),
  };
  replicas.push(replica);
  return replica;
}

/** Each has read everything there is, and looks `times` times. */
async function look(times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    expect(await until(() => replicas.every(hasRead))).toBe(true);
    for (const { opened, keeper } of replicas) {
      opened.source.rescan();
      keeper.released(1);
      await keeper.look();
    }
  }
}

function hasRead({ opened: { source } }: Replica): boolean {
  return (["HTTPRoute", "RateLimit"] as const).every((kind) =>
    [...server.objects(pathOf(kind))].every(
      ([key, { metadata }]) => source.records(kind).get(key)?.version === metadata.resourceVersion,
    ),
  );
}

const writes = () => server.requests.filter((request) => request.startsWith("PATCH")).length;

function limit(name = "l", requests = 5) {
  const spec = { targetRef: { name: "web" }, limits: [{ requests, per: "1s" }] };
  return { metadata: { name, namespace: "default" }, spec };
}

function programmed(name = "l"): string {
  const status = server.objects(LIMITS).get(`default/${name}`)?.["status"] as { conditions: readonly Json[] };
  const found = status?.conditions.find(({ type }) => type === "Programmed");
  return found === undefined ? "" : `${found["status"]} ${found["reason"]} ${found["message"]}`;
}

describe("statuses of several replicas", () => {
  it("count all sidecars", async () => {
    server.put(LIMITS, limit());
    await join(true, applied(3));
    await join(false, applied(4));
    await look(3);
    expect(programmed()).toBe("True Programmed applied by 7 of 7 sidecars");
    expect(writes()).toBe(1);
  });

  it("are not true before the others' sidecars have come", async () => {
    server.put(LIMITS, limit());
    await join(true, applied(3));
    const other = await join(false, applied(4, { state: "pending", applied: 1 }));
    await look(8);
    expect(programmed()).toBe("False Pending applied by 4 of 7 sidecars");
    other.progress = applied(4);
    await look(3);
    expect(programmed()).toBe("True Programmed applied by 7 of 7 sidecars");
  });

  it("tell of a sidecar of another replica that refuses", async () => {
    server.put(LIMITS, limit());
    await join(true, applied(3));
    const rejected = [{ sidecar: "default/web-7", message: "too many" }];
    await join(false, applied(4, { state: "rejected", applied: 3, rejected }));
    await look(3);
    expect(programmed()).toBe(
      "False Rejected applied by 6 of 7 sidecars; default/web-7 refused it: too many",
    );
  });

  it("say what they cover where another replica says nothing", async () => {
    server.put(LIMITS, limit());
    const [leader] = [await join(true, applied(3))];
    const silent = await join(false, applied(4));
    const look1 = async () => {
      leader.opened.source.rescan();
      leader.keeper.released(1);
      await leader.keeper.look();
    };
    // Not compiled there yet.
    expect(silent.keeper.objects()).toEqual({});
    for (let n = 0; n < 5; n++) await look1();
    expect(writes()).toBe(0);
    for (let n = 0; n < 5; n++) await look1();
    expect(programmed()).toBe("True Programmed applied by 3 of 3 sidecars at 1 of 2 replicas");
  });

  it("are told to the leader until they are said, the unsaid ones first", async () => {
    for (let n = 0; n < 150; n++) server.put(LIMITS, limit(`l${n}`));
    const leader = await join(false, applied(1));
    const other = await join(false, applied(1, { state: "pending", applied: 0 }));
    await look(1);
    expect(Object.keys(other.keeper.objects())).toHaveLength(100);
    expect(other.keeper.objects()).toHaveProperty(["RateLimit default/l0"]);
    leader.leads = true;
    await look(30);
    expect(programmed("l149")).toBe("False Pending applied by 1 of 2 sidecars");
    other.progress = applied(1);
    await look(20);
    expect(programmed("l0")).toBe("True Programmed applied by 2 of 2 sidecars");
    expect(programmed("l149")).toBe("True Programmed applied by 2 of 2 sidecars");
    expect(other.keeper.objects()).toEqual({});
  });

  it("stay as they are when another replica leads, which counts otherwise", async () => {
    server.put(LIMITS, limit());
    const route = { parentRefs: [{ group: "", kind: "Service", name: "web" }], rules: [] };
    server.put(ROUTES, { metadata: { name: "r", namespace: "default" }, spec: route });
    const [one, other] = [await join(true, applied(3)), await join(false, applied(4))];
    await look(3);
    const before = writes();
    for (let turn = 0; turn < 4; turn++) {
      [one.leads, other.leads] = [!one.leads, !other.leads];
      one.progress = applied(turn);
      await look(3);
    }
    expect(writes()).toBe(before);
    expect(programmed()).toContain("7 of 7");
    // A new generation is counted anew, by the one that leads now.
    server.put(LIMITS, limit("l", 6));
    one.progress = applied(1);
    await look(3);
    expect(programmed()).toContain("5 of 5");
    expect(writes()).toBe(before + 1);
  });

  it("leave a route alone that others keep writing to, or whose parents are none of ours", async () => {
    const parentRefs = [
      { group: "gateway.networking.k8s.io", kind: "Gateway", name: "gw" },
      { group: "", kind: "Service", name: "web" },
    ];
    server.put(ROUTES, { metadata: { name: "r", namespace: "default" }, spec: { parentRefs, rules: [] } });
    await join(true, applied(3));
    await join(false, applied(4));
    await look(3);
    expect(writes()).toBe(1);
    const stored = () => server.objects(ROUTES).get("default/r") as ApiObject;
    const parentsIn = ({ status }: Json) => (status as { readonly parents: readonly Json[] }).parents;
    for (let n = 0; n < 5; n++) {
      const object = stored();
      const ours = parentsIn(object).filter(
        ({ controllerName }) => controllerName === "weft.dev/control-plane",
      );
      const theirs = { controllerName: "example.com/gw", parentRef: parentRefs[0], conditions: [{ n }] };
      const metadata = { name: "r", namespace: "default" };
      server.put(ROUTES, { ...object, metadata, status: { parents: [...ours, theirs] } });
      await look(2);
    }
    expect(writes()).toBe(1);
    expect(parentsIn(stored())).toHaveLength(2);
  });
});
