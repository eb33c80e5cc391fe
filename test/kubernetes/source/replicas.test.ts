/** What replicas tell each other over one ConfigMap: confirmations of the mesh's secret, and how far sidecars are with objects. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReplicaWord } from "../../../src/control-plane/shared-root.ts";
import type { Objects } from "../../../src/control-plane/source/kubernetes/replica-report.ts";
import {
  DEAD_MS,
  LEFT_MS,
  LOST_MS,
  Replicas,
} from "../../../src/control-plane/source/kubernetes/replicas.ts";
import type { ApiServer } from "./api-server.ts";
import { CONFIG_MAPS, newCluster } from "./cluster.ts";
import { apiTo, until } from "./harness.ts";
import { SilentApi } from "./silent-api.ts";

let server: ApiServer;
let now: number;
let errors: string[];

beforeEach(async () => {
  [now, errors] = [0, []];
  server = newCluster();
  await server.listen();
});

afterEach(() => server.close());

interface Told {
  version: string;
  lacking: number;
  objects: Objects;
  leads: boolean;
}

function replica(identity: string, told: Told): Replicas {
  const replicas = new Replicas({
    api: apiTo(server),
    namespace: "weft-system",
    identity,
    isLeader: () => told.leads,
    onError: (reason) => void errors.push(reason),
    now: () => now,
  });
  replicas.tell(() => told);
  replicas.tellObjects(() => told.objects);
  return replicas;
}

const told = (more: Partial<Told> = {}): Told => ({
  version: "v1",
  lacking: 0,
  objects: {},
  leads: false,
  ...more,
});
const data = () =>
  (server.objects(CONFIG_MAPS).get("weft-system/weft-replicas")?.["data"] ?? {}) as Record<string, string>;

/** Whether the others have confirmed a version, as far as is known after another look. */
async function confirms(replicas: Replicas, version: string): Promise<boolean> {
  replicas.haveConfirmed(version);
  await replicas.look();
  return replicas.haveConfirmed(version);
}

describe("a change of roots", () => {
  it("waits until each of the others has the version, and all of its sidecars", async () => {
    const other = told({ lacking: 1 });
    const [a, b] = [replica("a", told({ leads: true })), replica("b", other)];
    expect(a.haveConfirmed("v1")).toBe(false);
    expect(await confirms(a, "v1")).toBe(true);
    for (const [version, lacking, isConfirmed] of [
      ["v1", 1, false],
      ["v1", 0, true],
      ["v0", 0, false],
    ] as const) {
      Object.assign(other, { version, lacking });
      await b.look();
      expect(await confirms(a, "v1")).toBe(isConfirmed);
    }
  });

  it("believes nothing that was read before it was asked for: another replica may have come", async () => {
    const [a, b] = [replica("a", told({ leads: true })), replica("b", told({ version: "" }))];
    await a.look();
    await b.look();
    expect(a.haveConfirmed("v1")).toBe(false);
    expect(await confirms(a, "v1")).toBe(false);
    await b.announced;
  });

  it("waits for the sidecars of one that ends to come back, and long for one that does not say so", async () => {
    const [a, b, c] = [replica("a", told({ leads: true })), replica("b", told()), replica("c", told())];
    for (const one of [b, c]) await one.look();
    expect(await confirms(a, "v1")).toBe(true);
    await b.close();
    expect(await confirms(a, "v1")).toBe(false);
    now += LEFT_MS;
    expect(await confirms(a, "v1")).toBe(true);
    expect(Object.keys(data()).sort()).toEqual(["a", "c"]);
    // c has died with an older version.
    expect(await confirms(a, "v2")).toBe(false);
    now = LOST_MS;
    expect(await confirms(a, "v2")).toBe(true);
    expect(Object.keys(data())).toEqual(["a"]);
  });

  it("waits while the others can't be heard, or say what nobody understands", async () => {
    const a = replica("a", told());
    expect(await confirms(a, "v1")).toBe(true);
    server.leave();
    now += DEAD_MS + 1;
    await a.look();
    expect(await confirms(a, "v1")).toBe(false);
    expect(errors).toHaveLength(1);
    server.comeBack();
    const object = server.objects(CONFIG_MAPS).get("weft-system/weft-replicas");
    const metadata = { name: "weft-replicas", namespace: "weft-system" };
    server.put(CONFIG_MAPS, { ...object, metadata, data: { x: "[", y: '{"secret":"v1","objects":[7]}' } });
    expect(await confirms(a, "v1")).toBe(false);
  });
});

describe("words about objects", () => {
  it("come from those who live", async () => {
    const word = { generation: 2, state: "applied", concerned: 3, applied: 3 } as const;
    const [a, b] = [replica("a", told()), replica("b", told({ objects: { "RateLimit x/y": word } }))];
    await b.look();
    await a.look();
    expect(a.others).toEqual([{ "RateLimit x/y": word }]);
    now += DEAD_MS;
    await a.look();
    expect(a.others).toEqual([]);
    await b.look();
    await a.look();
    expect(a.others).toHaveLength(1);
  });
});

describe("words about registrants", () => {
  const listen = (replicas: Replicas, own: unknown) => {
    const heard: (readonly ReplicaWord[])[] = [];
    replicas.tellRegistrants(
      () => own,
      (words) => void heard.push(words),
    );
    return heard;
  };

  it("come with each exchange, and say who has ended or is silent", async () => {
    const [a, b] = [replica("a", told()), replica("b", told())];
    const heard = listen(a, { x: 1 });
    expect(heard).toEqual([[]]);
    await b.look();
    await a.look();
    expect(heard.at(-1)).toEqual([{ replica: "b", registrants: undefined, isOver: false }]);
    listen(b, { "default/one": {} });
    await b.look();
    await a.look();
    expect(heard.at(-1)).toEqual([{ replica: "b", registrants: { "default/one": {} }, isOver: false }]);
    const before = heard.length;
    server.leave();
    now += DEAD_MS;
    await a.look();
    expect(heard).toHaveLength(before);
    server.comeBack();
    await a.look();
    expect(heard.at(-1)?.[0]).toMatchObject({ isOver: true });
    await b.look();
    await a.look();
    expect(heard.at(-1)?.[0]).toMatchObject({ isOver: false });
    await b.close();
    await a.look();
    expect(heard.at(-1)).toEqual([{ replica: "b", registrants: { "default/one": {} }, isOver: true }]);
  });

  it("are other values where they were written anew, and only there", async () => {
    const [a, b] = [replica("a", told()), replica("b", told())];
    const heard = listen(a, {});
    listen(b, { "default/one": {} });
    const last = async () => {
      await b.look();
      await a.look();
      return heard.at(-1)?.[0]?.registrants;
    };
    const first = await last();
    expect(await last()).toBe(first);
    now += 5_000;
    expect(await last()).not.toBe(first);
  });

  it("are told at once, a burst of them together", async () => {
    const own: Record<string, object> = {};
    const a = new Replicas({
      ...{ api: apiTo(server), namespace: "weft-system", identity: "a", isLeader: () => false },
      lookMs: 600_000,
      onError: (reason) => void errors.push(reason),
    });
    listen(a, own);
    a.start();
    await a.tried;
    const writes = () => server.requests.filter((request) => request.startsWith("PATCH")).length;
    const before = writes();
    for (let n = 0; n < 10; n++) {
      own[`default/x-${n}`] = {};
      a.hurry();
    }
    expect(await until(() => data()["a"]?.includes("default/x-9") === true)).toBe(true);
    expect(writes()).toBe(before + 1);
    await a.close();
    expect(errors).toEqual([]);
  });
});

it("writes what has changed, and now and then what has not", async () => {
  const own = told();
  const a = replica("a", own);
  const writes = () => server.requests.filter((request) => request.startsWith("PATCH")).length;
  await a.look();
  const first = writes();
  for (let look = 0; look < 10; look++) await a.look();
  expect(writes()).toBe(first);
  own.lacking = 1;
  await a.look();
  expect(writes()).toBe(first + 1);
  now += 5_000;
  await a.look();
  expect(writes()).toBe(first + 2);
  expect(errors).toEqual([]);
});

it("is heard again soon after a request that nobody answers, and ends without waiting for one", async () => {
  const silent = new SilentApi(apiTo(server));
  await silent.listen();
  const replicas = new Replicas({
    ...{ api: silent.api, namespace: "weft-system", identity: "a", isLeader: () => false, tryMs: 100 },
    onError: (reason) => void errors.push(reason),
  });
  await replicas.look();
  expect(data()).toHaveProperty("a");
  silent.isSilent = true;
  const began = performance.now();
  await replicas.look();
  expect(errors).toHaveLength(1);
  silent.isSilent = false;
  const written = server.requests.length;
  await replicas.look();
  expect(server.requests.length).toBeGreaterThan(written);
  silent.isSilent = true;
  await replicas.close();
  expect(performance.now() - began).toBeLessThan(5_000);
  await silent.close();
});
