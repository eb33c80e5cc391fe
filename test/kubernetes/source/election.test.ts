/** Replicas of a control plane and one Lease on an API server. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Election } from "../../../src/control-plane/source/kubernetes/election.ts";
import type { ApiServer } from "./api-server.ts";
import { LEASES, newCluster } from "./cluster.ts";
import { apiTo, until } from "./harness.ts";
import { SilentApi } from "./silent-api.ts";

let server: ApiServer;
let silent: SilentApi;
const elections: Election[] = [];
/** Hours of Leases in seconds of tests. */
let now = 0;

beforeEach(async () => {
  server = newCluster();
  await server.listen();
  silent = new SilentApi(apiTo(server));
  await silent.listen();
});

afterEach(async () => {
  await Promise.all(elections.splice(0).map((election) => election.close()));
  await silent.close();
  await server.close();
});

function join(identity: string, told: string[] = []): Election {
  const election = new Election({
    api: silent.api,
    namespace: "weft-system",
    name: "weft-control-plane",
    identity,
    onChange: (leads) => told.push(`${identity} ${leads ? "leads" : "follows"}`),
    onError: () => {},
    lookMs: 10,
    tryMs: 200,
    now: () => now,
  });
  elections.push(election);
  election.start();
  return election;
}

const holder = () =>
  (
    server.objects(LEASES).get("weft-system/weft-control-plane")?.["spec"] as
      | { holderIdentity?: string }
      | undefined
  )?.holderIdentity;

describe("leader election", () => {
  it("has one leader, and another as soon as that one lets go", async () => {
    const told: string[] = [];
    const first = join("a", told);
    expect(await until(() => first.isLeader)).toBe(true);
    const second = join("b", told);
    const looks = server.requests.length;
    expect(await until(() => server.requests.length > looks + 20)).toBe(true);
    expect([first.isLeader, second.isLeader, holder()]).toEqual([true, false, "a"]);
    await first.close();
    expect(await until(() => second.isLeader)).toBe(true);
    expect(told).toEqual(["a leads", "b leads"]);
  });

  it("is not lost for one request that nobody answers, nor does the end wait for it", async () => {
    const first = join("a");
    expect(await until(() => first.isLeader)).toBe(true);
    silent.isSilent = true;
    expect(await until(() => silent.taken > 0)).toBe(true);
    silent.isSilent = false;
    now += 9_000;
    expect(await until(() => first.isLeader)).toBe(true);
    now += 9_000;
    expect(await until(() => first.isLeader, 2_000), "renewed since").toBe(true);
    silent.isSilent = true;
    const began = performance.now();
    await first.close();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it("ends a leader that can't renew, and takes over when its Lease has run out", async () => {
    const first = join("a");
    expect(await until(() => first.isLeader)).toBe(true);
    server.leave();
    now += 10_001;
    expect(first.isLeader).toBe(false);
    server.comeBack();
    expect(await until(() => first.isLeader)).toBe(true);
  });
});
