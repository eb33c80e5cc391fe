/** One CA for replicas that share a Secret: who makes it, who changes it, and what is not believed of it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbeddedAuthority } from "../../../src/control-plane/ca/embedded-authority.ts";
import { RotationDriver } from "../../../src/control-plane/ca/rotation-driver.ts";
import type { Log } from "../../../src/control-plane/log.ts";
import { CaSecret } from "../../../src/control-plane/source/kubernetes/ca-secret.ts";
import type { ApiServer } from "./api-server.ts";
import { newCluster, SECRETS } from "./cluster.ts";
import { apiTo, until } from "./harness.ts";

const KEY = "weft-system/weft-ca";
const PATH = "/api/v1/namespaces/weft-system/secrets";
const TRUST_DOMAIN = "cluster.local";
let server: ApiServer;
let secrets: CaSecret[];
let warnings: string[];
let leads: boolean;
let drivers: RotationDriver[];

beforeEach(async () => {
  [secrets, warnings, leads, drivers] = [[], [], false, []];
  server = newCluster();
  server.put(SECRETS, { metadata: { name: "weft-ca", namespace: "weft-system" }, type: "Opaque" });
  await server.listen();
});

afterEach(async () => {
  for (const one of [...drivers, ...secrets]) one.close();
  await server.close();
});

const log = {
  info() {},
  warn: ({ reason }: { reason: string }) => void warnings.push(reason),
  error() {},
} as unknown as Log;

function secret(): CaSecret {
  const options = { namespace: "weft-system", name: "weft-ca", isLeader: () => leads, log, lookMs: 5 };
  const made = new CaSecret({ api: apiTo(server), ...options });
  secrets.push(made);
  return made;
}

async function open(shared: CaSecret): Promise<EmbeddedAuthority> {
  const opened = await EmbeddedAuthority.openShared(shared, TRUST_DOMAIN, Date.now());
  if (opened.kind === "unusable") throw new Error(opened.reason);
  return opened.authority;
}

const stored = () => server.objects(SECRETS).get(KEY)?.["data"] as Record<string, string> | undefined;
const confirmed = () => true;

describe("the CA in a Secret", () => {
  it("is made by one of those who start at once, and is everybody's", async () => {
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => open(secret())));
    expect(new Set(all.map(({ bundle }) => bundle.digest)).size).toBe(1);
    expect(server.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });

  it("is made with its Secret where there is none", async () => {
    server.remove(SECRETS, KEY);
    const [one, other] = await Promise.all([open(secret()), open(secret())]);
    expect(one.bundle.digest).toBe(other.bundle.digest);
    expect(server.objects(SECRETS).get(KEY)).toMatchObject({ type: "Opaque" });
  });

  it("leaves what else the Secret holds", async () => {
    const metadata = { name: "weft-ca", namespace: "weft-system", labels: { team: "x" } };
    server.put(SECRETS, { metadata, type: "Opaque", data: { other: "eA==" } });
    await open(secret());
    expect(server.objects(SECRETS).get(KEY)).toMatchObject({
      metadata: { labels: { team: "x" } },
      data: { other: "eA==" },
    });
  });

  it("says what is missing where it may not be written", async () => {
    server.refusals.set(`${PATH}/weft-ca`, 403);
    await expect(open(secret())).rejects.toThrow("status 403");
    server.refusals.clear();
    server.remove(SECRETS, KEY);
    server.refusals.set(PATH, 403);
    await expect(open(secret())).rejects.toThrow("can't be written into Secret weft-system/weft-ca");
  });

  it("changes its root in steps that the others follow", async () => {
    const [leading, following] = [secret(), secret()];
    const [leader, follower] = [await open(leading), await open(following)];
    const phases: string[] = [];
    following.follow((text) => {
      const adoption = follower.adopt(text);
      phases.push(adoption.kind === "adopted" ? adoption.phase : adoption.kind);
    });
    const old = leader.authority.root.fingerprint;
    expect(await leader.beginRotation(Date.now())).toBe(true);
    for (const phase of ["distributing", "reissuing", "retiring", "steady"]) {
      expect(await until(() => phases.at(-1) === phase)).toBe(true);
      expect(follower.bundle.digest).toBe(leader.bundle.digest);
      expect(follower.authority.root.fingerprint).toBe(leader.authority.root.fingerprint);
      await leader.advanceRotation(confirmed, Date.now());
    }
    expect(phases).toEqual(["distributing", "reissuing", "retiring", "steady"]);
    expect(leader.authority.root.fingerprint).not.toBe(old);
  });

  it("goes on with a change that a replica has begun which leads no more", async () => {
    let leading = "a";
    const roots = await Promise.all(
      ["a", "b"].map(async (name) => {
        const shared = secret();
        const authority = await open(shared);
        const driver = new RotationDriver({
          authority,
          // Nobody confirms anything to the first one.
          isConfirmed: () => name === "b",
          mayAdvance: () => leading === name,
          onPhase() {},
          onError() {},
          settleMs: 10,
        });
        drivers.push(driver);
        shared.follow((text) => {
          if (authority.adopt(text).kind === "adopted") driver.start();
        });
        return { authority, driver };
      }),
    );
    const [a, b] = roots as [(typeof roots)[0], (typeof roots)[0]];
    const old = a.authority.authority.root.fingerprint;
    expect(await a.driver.begin()).toBe(true);
    expect(await until(() => b.authority.rotation.phase === "distributing")).toBe(true);
    leading = "b";
    const isOver = () => roots.every(({ authority: { rotation } }) => rotation.phase === "steady");
    expect(await until(isOver)).toBe(true);
    expect(a.authority.bundle.digest).toBe(b.authority.bundle.digest);
    expect(a.authority.authority.root.fingerprint).not.toBe(old);
  });

  it("is changed by one at a time: who has not seen the last version changes nothing", async () => {
    const [one, other] = [await open(secret()), await open(secret())];
    expect(await one.beginRotation(Date.now())).toBe(true);
    const before = stored();
    expect(await other.beginRotation(Date.now())).toBe(false);
    expect(other.rotation.phase).toBe("steady");
    expect(stored()).toEqual(before);
    // Twice at once by the same one.
    await one.abandonRotation();
    expect(await Promise.all([one.beginRotation(1), one.beginRotation(1)])).toEqual([true, false]);
  });

  it("is not exchanged for another one, such as that of an old backup", async () => {
    const shared = secret();
    const authority = await open(shared);
    const { digest } = authority.bundle;
    const [backup] = [stored()];
    await authority.beginRotation(Date.now());
    for (let step = 0; step < 3; step++) await authority.advanceRotation(confirmed, Date.now());
    expect(authority.rotation.phase).toBe("steady");
    expect(authority.bundle.digest).not.toBe(digest);
    const adoptions: string[] = [];
    shared.follow((text) => void adoptions.push(authority.adopt(text).kind));
    server.put(SECRETS, { metadata: { name: "weft-ca", namespace: "weft-system" }, data: backup });
    expect(await until(() => adoptions.includes("unusable"))).toBe(true);
    expect(authority.bundle.digest).not.toBe(digest);
  });

  it("comes back into a Secret that has lost it, by the leader", async () => {
    const shared = secret();
    await open(shared);
    const before = stored();
    shared.follow(() => {});
    server.put(SECRETS, { metadata: { name: "weft-ca", namespace: "weft-system" } });
    const looks = server.requests.length;
    expect(await until(() => server.requests.length > looks + 5)).toBe(true);
    expect(stored()).toBeUndefined();
    leads = true;
    expect(await until(() => stored()?.["ca.json"] === before?.["ca.json"])).toBe(true);
  });

  it("stays as it is while the API server is away, which is told once", async () => {
    const shared = secret();
    const authority = await open(shared);
    const { digest } = authority.bundle;
    shared.follow(() => {});
    server.leave();
    expect(await until(() => warnings.length > 0)).toBe(true);
    await expect(authority.beginRotation(Date.now())).rejects.toThrow();
    expect([authority.rotation.phase, authority.bundle.digest]).toEqual(["steady", digest]);
    server.comeBack();
    const looks = server.requests.length;
    expect(await until(() => server.requests.length > looks + 3)).toBe(true);
    expect(new Set(warnings).size).toBe(warnings.length);
  });

  it("is refused where it is of another trust domain", async () => {
    await open(secret());
    const opened = await EmbeddedAuthority.openShared(secret(), "other.example", Date.now());
    expect(opened).toMatchObject({ kind: "unusable", reason: expect.stringContaining("of trust domain") });
  });
});
