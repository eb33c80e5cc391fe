/** Statuses as they stand on the API server: what is said, when it is said again, and when not. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChangeProgress } from "../../../src/control-plane/plane.ts";
import { StatusKeeper } from "../../../src/control-plane/source/kubernetes/status-keeper.ts";
import type { ApiObject, Json } from "./api-objects.ts";
import type { ApiServer } from "./api-server.ts";
import { newCluster, pathOf, service } from "./cluster.ts";
import { apiTo, type Opened, openSource, until } from "./harness.ts";

const ROUTES = pathOf("HTTPRoute");
const LIMITS = pathOf("RateLimit");
let server: ApiServer;
let opened: Opened;
let keeper: StatusKeeper;
let leads = true;
let progress: ChangeProgress | undefined;
/** Changes that have reached nobody yet. */
const slow = new Set<number>();
const errors: string[] = [];
/** How often an object was looked at. */
let looks = 0;

beforeEach(async () => {
  leads = true;
  progress = { change: 1, state: "applied", concerned: 3, applied: 3, rejected: [] };
  errors.length = 0;
  slow.clear();
  server = newCluster();
  server.put(pathOf("Service"), service("web"));
  await server.listen();
});

afterEach(async () => {
  keeper.close();
  opened.source.close();
  await server.close();
});

async function open(): Promise<void> {
  opened = openSource(server);
  await opened.source.synced;
  opened.source.rescan();
  keeper = new StatusKeeper({
    api: apiTo(server),
    source: opened.source,
    isLeader: () => leads,
    progress: (change) =>
      slow.has(change) ? { change, state: "pending", concerned: 3, applied: 0, rejected: [] } : progress,
    onError: ({ message }) => errors.push(message),
    now: () => {
      looks++;
      return new Date("2026-01-01T00:00:00.500Z");
    },
  });
  keeper.released(1);
}

const writes = () => server.requests.filter((request) => request.startsWith("PATCH")).length;

/** Looks until nothing is left to be written. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 6; quiet++) {
    const before = writes();
    await until(isCaughtUp);
    opened.source.rescan();
    keeper.released(1);
    await keeper.look();
    if (writes() !== before) quiet = 0;
  }
}

/** Whether what is kept is the latest; routes of Gateways are not kept. */
function isCaughtUp(): boolean {
  return (["HTTPRoute", "TCPRoute", "RateLimit"] as const).every((kind) =>
    [...server.objects(pathOf(kind))].every(([key, { metadata }]) => {
      const kept = opened.source.records(kind).get(key);
      return kept === undefined || kept.version === metadata.resourceVersion;
    }),
  );
}

function route(backend: string, extra: Json = {}): ApiObject {
  const parentRefs = [{ group: "", kind: "Service", name: "web" }];
  const rules = [{ backendRefs: [{ group: "", kind: "Service", name: backend, port: 80, weight: 1 }] }];
  return { metadata: { name: "r", namespace: "default" }, spec: { parentRefs, rules }, ...extra };
}

function limit(requests: unknown): ApiObject {
  const spec = { targetRef: { name: "web" }, limits: [{ requests, per: "1s" }] };
  return { metadata: { name: "l", namespace: "default" }, spec };
}

const statusOf = (path: string, name: string) =>
  server.objects(path).get(`default/${name}`)?.["status"] as Json;
const conditions = (holder: unknown) =>
  (holder as { conditions: readonly Json[] }).conditions.map(
    ({ type, status, reason }) => `${type} ${status} ${reason}`,
  );

describe("statuses", () => {
  it.each(["HTTPRoute", "TCPRoute"] as const)(
    "say of a route (%s) that it is accepted, resolved and how many sidecars have applied it",
    async (kind) => {
      server.put(pathOf(kind), route("web"));
      await open();
      await settle();
      expect(statusOf(pathOf(kind), "r")).toMatchObject({
        parents: [
          {
            controllerName: "weft.dev/control-plane",
            parentRef: { group: "", kind: "Service", name: "web" },
            conditions: [
              {
                type: "Accepted",
                status: "True",
                observedGeneration: 1,
                lastTransitionTime: "2026-01-01T00:00:00Z",
              },
              { type: "ResolvedRefs", status: "True" },
              { type: "Programmed", status: "True", message: "applied by 3 of 3 sidecars" },
            ],
          },
        ],
      });
      expect(writes()).toBe(1);
    },
  );

  it("leave what other controllers say, and are not about routes of Gateways", async () => {
    const other = { controllerName: "example.com/gateway", parentRef: { name: "gw" }, conditions: [] };
    server.put(ROUTES, route("web", { status: { parents: [other] } }));
    const gateway = {
      metadata: { name: "g", namespace: "default" },
      spec: {
        parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "gw" }],
        rules: [{ filters: [{ type: "FromTheFuture" }] }],
      },
    };
    server.put(ROUTES, gateway);
    await open();
    await settle();
    expect((statusOf(ROUTES, "r")["parents"] as Json[]).map(({ controllerName }) => controllerName)).toEqual([
      "example.com/gateway",
      "weft.dev/control-plane",
    ]);
    expect(statusOf(ROUTES, "g")).toBeUndefined();
    expect(opened.source.status.issues).toEqual([]);
  });

  it("say nothing to a parent that the API server takes for one of Gateways' group, which is left alone", async () => {
    const parentRefs = [{ group: "gateway.networking.k8s.io", kind: "Service", name: "web" }];
    server.put(ROUTES, { metadata: { name: "r", namespace: "default" }, spec: { parentRefs, rules: [{}] } });
    await open();
    await settle();
    expect(statusOf(ROUTES, "r")).toBeUndefined();
    expect(opened.source.status.issues).toMatchObject([
      { severity: "warning", field: "spec.parentRefs[0].group", expected: '""' },
    ]);
  });

  it("tell of a route that was never right", async () => {
    const never = route("web");
    server.put(ROUTES, {
      ...never,
      spec: { ...(never["spec"] as Json), rules: [{ timeouts: { request: "soon" } }] },
    });
    await open();
    await settle();
    const [parent] = statusOf(ROUTES, "r")["parents"] as Json[];
    expect(conditions(parent)).toEqual(["Accepted False Invalid", "Programmed False Invalid"]);
    expect(JSON.stringify(parent)).toContain("never accepted");
  });

  it("follow what the object refers to", async () => {
    server.put(ROUTES, route("later"));
    await open();
    await settle();
    const [parent] = statusOf(ROUTES, "r")["parents"] as Json[];
    expect(conditions(parent)[1]).toBe("ResolvedRefs False BackendNotFound");
    server.put(pathOf("Service"), service("later"));
    await until(() => opened.source.rescan() && opened.source.status.issues.length === 0);
    await settle();
    const [after] = statusOf(ROUTES, "r")["parents"] as Json[];
    expect(conditions(after)[1]).toBe("ResolvedRefs True ResolvedRefs");
  });

  it("of thousands are looked at where something has changed for them, and in turn with everything else", async () => {
    for (let i = 0; i < 500; i++)
      server.put(LIMITS, { ...limit(5), metadata: { name: `l${i}`, namespace: "default" } });
    server.put(ROUTES, route("later"));
    await open();
    await settle();
    [looks, leads] = [0, true];
    server.put(pathOf("Service"), service("later"));
    await until(() => opened.source.rescan() && opened.source.status.issues.length === 0);
    await keeper.look();
    expect(looks).toBe(1);
    for (const [, object] of [...server.objects(LIMITS)])
      server.put(LIMITS, { ...object, metadata: { ...object.metadata, labels: { a: "b" } } });
    await until(isCaughtUp);
    let turns = 0;
    const turn = () => {
      turns++;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    looks = 0;
    await keeper.look();
    clearImmediate(next);
    expect(looks).toBeGreaterThan(400);
    expect(turns).toBeGreaterThan(2);
  });

  it("say what is wrong with an object, and that the last good one stays", async () => {
    server.put(LIMITS, limit(5));
    await open();
    await settle();
    server.put(LIMITS, limit("many"));
    await until(() => opened.source.rescan() && opened.source.status.state === "broken");
    await settle();
    const status = statusOf(LIMITS, "l");
    expect(conditions(status).slice(0, 2)).toEqual(["Accepted False Invalid", "Programmed False Invalid"]);
    expect(JSON.stringify(status)).toContain("spec.limits[0].requests");
    expect(JSON.stringify(status)).toContain("the last accepted version stays in force");
  });

  it("tell of sidecars that are slow after a while, and when they have come", async () => {
    progress = { change: 1, state: "pending", concerned: 3, applied: 2, rejected: [] };
    server.put(LIMITS, limit(5));
    await open();
    await keeper.look();
    expect(writes()).toBe(0);
    await settle();
    expect(conditions(statusOf(LIMITS, "l"))[2]).toBe("Programmed False Pending");
    progress = { change: 1, state: "applied", concerned: 3, applied: 3, rejected: [] };
    await settle();
    expect(conditions(statusOf(LIMITS, "l"))[2]).toBe("Programmed True Programmed");
  });

  it("say nothing of an object for one that has its name now, also where its end was not seen", async () => {
    server.put(LIMITS, { ...limit(5), metadata: { ...limit(5).metadata, uid: "a" } });
    await open();
    await settle();
    expect(conditions(statusOf(LIMITS, "l"))[2]).toBe("Programmed True Programmed");
    slow.add(2);
    server.leave();
    server.remove(LIMITS, "default/l");
    server.put(LIMITS, { ...limit(6), metadata: { ...limit(6).metadata, uid: "b" } });
    server.compact();
    server.comeBack();
    await until(isCaughtUp);
    opened.source.rescan();
    keeper.released(2);
    for (let look = 0; look < 5; look++) await keeper.look();
    expect(conditions(statusOf(LIMITS, "l"))[2]).toBe("Programmed False Pending");
    slow.clear();
    await settle();
    expect(conditions(statusOf(LIMITS, "l"))[2]).toBe("Programmed True Programmed");
  });

  it("are written by the leader alone, once, and not again after a restart", async () => {
    leads = false;
    server.put(LIMITS, limit(5));
    await open();
    await settle();
    expect(writes()).toBe(0);
    leads = true;
    await settle();
    expect(writes()).toBe(1);
    keeper.close();
    opened.source.close();
    progress = { change: 1, state: "applied", concerned: 0, applied: 0, rejected: [] };
    await open();
    await settle();
    expect(writes()).toBe(1);
    expect(JSON.stringify(statusOf(LIMITS, "l"))).toContain("applied by 3 of 3");
  });

  it("are no storm: so many at a look, and a pause after a refusal", async () => {
    for (let i = 0; i < 50; i++) {
      server.put(LIMITS, { ...limit(5), metadata: { name: `l${i}`, namespace: "default" } });
    }
    await open();
    await keeper.look();
    expect(writes()).toBe(20);
    await settle();
    expect(writes()).toBe(50);
    server.put(LIMITS, { ...limit(6), metadata: { name: "l7", namespace: "default" } });
    await until(
      () => opened.source.rescan() && opened.source.records("RateLimit").get("default/l7")?.generation === 2,
    );
    keeper.released(2);
    const path = "/apis/weft.dev/v1alpha1/namespaces/default/ratelimits/l7/status";
    server.refusals.set(path, 503);
    await keeper.look();
    await keeper.look();
    expect(errors).toHaveLength(1);
    server.refusals.clear();
    await settle();
    expect(JSON.stringify(statusOf(LIMITS, "l7"))).toContain('"observedGeneration":2');
  });
});
