/** Join tokens of a mesh with several replicas: made by one, good at all, and never used once too often. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TokenBook } from "../../../src/control-plane/ca/token-book.ts";
import type { Log } from "../../../src/control-plane/log.ts";
import { CaSecret } from "../../../src/control-plane/source/kubernetes/ca-secret.ts";
import { SharedTokenUses } from "../../../src/control-plane/source/kubernetes/shared-token-uses.ts";
import type { ApiServer } from "./api-server.ts";
import { CONFIG_MAPS, newCluster, SECRETS } from "./cluster.ts";
import { apiTo } from "./harness.ts";
import { SilentApi } from "./silent-api.ts";

const LATER = 10_000;
let server: ApiServer;

beforeEach(async () => {
  server = newCluster();
  server.put(SECRETS, { metadata: { name: "weft-ca", namespace: "weft-system" }, type: "Opaque" });
  await server.listen();
});

afterEach(() => server.close());

const uses = () => new SharedTokenUses(apiTo(server), "weft-system");
const stored = () => server.objects(CONFIG_MAPS).get("weft-system/weft-token-uses")?.["data"];
const writes = () => server.requests.filter((request) => /^(PUT|POST)/.test(request)).length;

async function book(): Promise<TokenBook> {
  const log = { info() {}, warn() {}, error() {} } as unknown as Log;
  const options = { namespace: "weft-system", name: "weft-ca", isLeader: () => false, log };
  const secret = new CaSecret({ api: apiTo(server), ...options });
  await secret.open(() => "a CA");
  return TokenBook.shared(secret.tokenKey, secret.tokenUses, { trustDomain: "t", cluster: "c" });
}

describe("join tokens", () => {
  it("are good at every replica, as often as they say in all", async () => {
    const [one, other] = await Promise.all([book(), book()]);
    const now = Date.now();
    const wish = { namespace: "default", serviceAccount: "vm", uses: 2, expiresAt: now + 60_000 };
    const checked = other.check(one.make(wish, now), now);
    if (checked.kind !== "token") throw new Error(checked.reason);
    expect(await other.redeem(checked.claims, now)).toBe("redeemed");
    expect(await one.redeem(checked.claims, now)).toBe("redeemed");
    // Also by one that starts now.
    expect(await (await book()).redeem(checked.claims, now)).toBe("token_used_up");
  });

  it("are not used once too often by many at once", async () => {
    const replicas = [uses(), uses(), uses()];
    const asked = Array.from({ length: 60 }, (_, n) => replicas[n % 3]?.redeem("aa", LATER, 25, 0));
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((one) => one === "redeemed")).toHaveLength(25);
    expect(outcomes.filter((one) => one === "token_used_up")).toHaveLength(35);
    expect(stored()).toEqual({ aa: `${LATER} 25` });
    // Those that come together are written together.
    expect(writes()).toBeLessThan(12);
  });

  it("are forgotten when they have expired", async () => {
    const counted = uses();
    await counted.redeem("aa", 50, 1, 0);
    await counted.redeem("bb", LATER, 1, 60);
    expect(stored()).toEqual({ bb: `${LATER} 1` });
  });

  it("are not redeemed where nobody could know of it", async () => {
    const counted = uses();
    server.leave();
    expect(await counted.redeem("aa", LATER, 1, 0)).toBe("storage_failed");
    server.comeBack();
    expect(await counted.redeem("aa", LATER, 1, 0)).toBe("redeemed");
    expect(await counted.redeem("aa", LATER, 1, 0)).toBe("token_used_up");
  });

  it("do not all wait behind a request that nobody answers", async () => {
    const silent = new SilentApi(apiTo(server));
    await silent.listen();
    const counted = new SharedTokenUses(silent.api, "weft-system", 100);
    silent.isSilent = true;
    const first = counted.redeem("aa", LATER, 1, 0);
    await vi.waitUntil(() => silent.taken > 0);
    silent.isSilent = false;
    expect(await first).toBe("storage_failed");
    expect(await counted.redeem("aa", LATER, 1, 0)).toBe("redeemed");
    await silent.close();
  });

  it("are of a bounded number", async () => {
    const data = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`t${n}`, `${LATER} 1`]));
    server.put(CONFIG_MAPS, { metadata: { name: "weft-token-uses", namespace: "weft-system" }, data });
    const counted = uses();
    expect(await counted.redeem("new", LATER, 1, 0)).toBe("storage_failed");
    expect(await counted.redeem("t7", LATER, 2, 0)).toBe("redeemed");
    expect(await counted.redeem("new", LATER * 2, 1, LATER)).toBe("redeemed");
  });
});
