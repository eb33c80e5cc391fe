/** An API server's bad days: nothing is lost that was there, and everything is caught up with afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiServer } from "./api-server.ts";
import { newCluster, PODS, pathOf, pod, SLICES, service, slice } from "./cluster.ts";
import { type Opened, openSource, QUICK, until } from "./harness.ts";

const SERVICES = pathOf("Service");
let server: ApiServer;
let opened: Opened;

beforeEach(async () => {
  server = newCluster();
  for (let i = 0; i < 20; i++) server.put(SERVICES, service(`s${i}`));
  await server.listen();
});

afterEach(async () => {
  opened.source.close();
  await server.close();
});

async function open(timing = QUICK): Promise<void> {
  opened = openSource(server, timing);
  await opened.source.synced;
}

function names(): readonly string[] {
  opened.source.rescan();
  return opened.source.state.resources.map(({ metadata }) => metadata.name).sort();
}

const isWatching = () => server.watching.includes(SERVICES);

describe("the Kubernetes source, when the API server", () => {
  it("is away: all stays, and what happened meanwhile is caught up with", async () => {
    await open();
    server.leave();
    server.remove(SERVICES, "default/s0");
    server.put(SERVICES, service("new"));
    expect(await until(() => opened.source.status.unread?.includes("Service") === true)).toBe(true);
    expect(names()).toHaveLength(20);
    expect(opened.source.isReady).toBe(true);
    server.comeBack();
    expect(await until(() => names().includes("new") && !names().includes("s0"))).toBe(true);
    expect(await until(() => opened.source.status.unread === undefined)).toBe(true);
  });

  it("was away for so long that its history is gone: it is listed again", async () => {
    await open();
    for (const expiry of ["status", "event"] as const) {
      server.expiry = expiry;
      server.leave();
      server.put(SERVICES, service(`after-${expiry}`));
      server.put(SERVICES, service("s1"));
      server.remove(SERVICES, "default/s2");
      server.compact();
      server.comeBack();
      expect(await until(() => names().includes(`after-${expiry}`) && !names().includes("s2"))).toBe(true);
    }
  });

  it.each(["end", "reset", "midline"] as const)(
    "breaks watches off (%s): they go on where they were",
    async (how) => {
      await open();
      expect(await until(isWatching)).toBe(true);
      const lists = () => server.requests.filter((request) => request === `GET ${SERVICES}`).length;
      server.put(SERVICES, service("before"));
      expect(await until(() => names().includes("before"))).toBe(true);
      const before = lists();
      server.disconnect(how);
      server.put(SERVICES, service("after"));
      expect(await until(() => names().includes("after"))).toBe(true);
      // One look at how far the server is, one more watch, and no list.
      expect(lists() - before).toBe(2);
    },
  );

  it.each(["end", "reset"] as const)(
    "breaks a watch off every second (%s), as what stands before it may: no wait grows, and that is no failure",
    async (how) => {
      // A wait that grew would be one of 8 s at least in the end.
      await open({ ...QUICK, firstMs: 2_000, longestMs: 60_000 });
      for (let n = 0; n < 4; n++) {
        expect(await until(isWatching, 7_000), `watching again after ${n}`).toBe(true);
        await sleep(1_050);
        server.disconnect(how);
      }
      expect(await until(isWatching, 7_000)).toBe(true);
      expect(opened.states).not.toContain("Service: failing");
    },
  );

  it.each([
    ["garbage", "{]\n"],
    ["an event without an object", '{"type":"ADDED"}\n'],
    ["an event of an unknown type", '{"type":"MOVED","object":{"metadata":{"resourceVersion":"1"}}}\n'],
    ["a line that does not end", `${"x".repeat(9 * 1_048_576)}\n`],
  ])("sends %s: everything is read anew", async (_what, line) => {
    await open();
    expect(await until(isWatching)).toBe(true);
    server.inject(SERVICES, line);
    server.put(SERVICES, service("after"));
    expect(await until(() => names().includes("after"))).toBe(true);
    expect(names()).toHaveLength(21);
  });

  it.each([
    ["empty", (): void => void server.emptyLists.add(SERVICES)],
    [
      "of fewer than half",
      (): void => {
        for (let i = 0; i < 11; i++) server.remove(SERVICES, `default/s${i}`);
      },
    ],
  ])(
    "comes back with a list that is %s: it is held back until a second one says the same",
    async (_what, shrink) => {
      await open({ ...QUICK, confirmMs: 300 });
      server.leave();
      shrink();
      server.put(SERVICES, service("s19"));
      server.compact();
      server.comeBack();
      expect(await until(() => opened.states.includes("Service: held"))).toBe(true);
      expect(names()).toHaveLength(20);
      expect(await until(() => names().length < 20)).toBe(true);
    },
  );

  it("comes back empty and fills up: nothing was ever removed", async () => {
    await open({ ...QUICK, confirmMs: 200 });
    server.leave();
    server.emptyLists.add(SERVICES);
    server.put(SERVICES, service("s19"));
    server.compact();
    server.comeBack();
    expect(await until(() => opened.states.includes("Service: held"))).toBe(true);
    server.emptyLists.clear();
    server.put(SERVICES, service("after"));
    expect(await until(() => names().includes("after"))).toBe(true);
    expect(names()).toHaveLength(21);
  });

  it("has gone back to an older version of everything: it is listed again", async () => {
    await open();
    expect(await until(isWatching)).toBe(true);
    const bookmark = { type: "BOOKMARK", object: { metadata: { resourceVersion: "7" } } };
    const lists = () => server.requests.filter((request) => request === `GET ${SERVICES}`).length;
    const before = lists();
    server.inject(SERVICES, `${JSON.stringify(bookmark)}\n`);
    // A list and a watch.
    expect(await until(() => lists() - before === 2)).toBe(true);
    expect(names()).toHaveLength(20);
  });

  it("comes back from an old backup, and takes watches from versions that it has yet to reach", async () => {
    await open();
    expect(await until(isWatching)).toBe(true);
    server.leave();
    server.goBackTo(3);
    server.remove(SERVICES, "default/s0");
    server.comeBack();
    expect(await until(() => !names().includes("s0"))).toBe(true);
    server.put(SERVICES, service("after"));
    expect(await until(() => names().includes("after"))).toBe(true);
  });

  it("does not let us read a kind: what was read stays, and nothing is served before all was read", async () => {
    server.refusals.set(pathOf("AuthorizationPolicy"), 403);
    opened = openSource(server);
    expect(await until(() => opened.states.includes("Service: live"))).toBe(true);
    expect(await until(() => opened.states.includes("AuthorizationPolicy: failing"))).toBe(true);
    expect(opened.source.isReady).toBe(false);
    server.refusals.clear();
    await opened.source.synced;
    expect(opened.source.isReady).toBe(true);
  });

  it("has no definition of a kind: it goes on without, and takes the kind up when it is there", async () => {
    const path = pathOf("RateLimit");
    server.refusals.set(path, 404);
    await open();
    expect(opened.states).toContain("RateLimit: unknown");
    server.refusals.clear();
    const spec = { targetRef: { name: "s1" }, limits: [{ requests: 1, per: "1s" }] };
    server.put(path, { metadata: { name: "limit", namespace: "default" }, spec });
    expect(await until(() => names().includes("limit"))).toBe(true);
  });

  it("has 50,000 objects: they come in pages, and a token that expires begins anew", async () => {
    for (let i = 0; i < 50_000; i++) {
      const ip = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      server.put(PODS, pod({ name: `p${i}`, ip, app: `s${i % 20}` }));
    }
    server.put(SLICES, slice("s1", [{ ip: "10.0.0.1", pod: "p1" }]));
    opened = openSource(server);
    expect(await until(() => server.requests.filter((r) => r === `GET ${PODS}`).length > 3, 10_000)).toBe(
      true,
    );
    server.compact();
    await opened.source.synced;
    expect(opened.source.instances.byNamespace.get("default")?.size).toBe(50_000);
    expect(opened.source.instances.count("default/s1")).toBe(1);
  }, 180_000);
});
