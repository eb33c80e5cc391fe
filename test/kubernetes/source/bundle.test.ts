/** The trusted roots in every namespace. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { BundleKeeper } from "../../../src/control-plane/source/kubernetes/bundle-keeper.ts";
import type { ApiServer } from "./api-server.ts";
import { CONFIG_MAPS, newCluster } from "./cluster.ts";
import { apiTo } from "./harness.ts";

let server: ApiServer;
let leads = true;
let text: string | undefined;
let now = 0;
const namespaces = ["default", "shop", "kube-system"];
const errors: string[] = [];

beforeEach(async () => {
  [leads, text, now] = [true, "ROOT 1", 0];
  errors.length = 0;
  server = newCluster();
  await server.listen();
});

afterEach(() => server.close());

function open(): BundleKeeper {
  return new BundleKeeper({
    api: apiTo(server),
    namespaces: () => namespaces,
    read: () => text,
    isLeader: () => leads,
    onError: ({ message }) => errors.push(message),
    now: () => now,
  });
}

const held = () =>
  Object.fromEntries(
    [...server.objects(CONFIG_MAPS)].map(([key, { data }]) => [
      key,
      (data as Record<string, string>)["trust-bundle.pem"],
    ]),
  );
const everywhere = (root: string) => ({ "default/weft-trust-bundle": root, "shop/weft-trust-bundle": root });

it("is in every namespace but Kubernetes' own, written by who leads when it is another", async () => {
  const keeper = open();
  leads = false;
  await keeper.look();
  expect(held()).toEqual({});
  leads = true;
  await keeper.look();
  expect(held()).toEqual(everywhere("ROOT 1"));
  const writes = server.requests.length;
  await keeper.look();
  expect(server.requests.length).toBe(writes);
  text = "ROOT 1 ROOT 2";
  await keeper.look();
  expect(held()).toEqual(everywhere("ROOT 1 ROOT 2"));
  text = undefined;
  await keeper.look();
  expect(held()).toEqual(everywhere("ROOT 1 ROOT 2"));
});

it("comes back where somebody removed it, and after a refusal", async () => {
  const keeper = open();
  await keeper.look();
  server.remove(CONFIG_MAPS, "shop/weft-trust-bundle");
  now = 600_001;
  server.refusals.set("/api/v1/namespaces/default/configmaps/weft-trust-bundle", 503);
  await keeper.look();
  expect(errors).toHaveLength(1);
  server.refusals.clear();
  await keeper.look();
  expect(held()).toEqual(everywhere("ROOT 1"));
});

it("comes to all others where some can't be written to, such as namespaces that are about to go", async () => {
  namespaces.unshift(...Array.from({ length: 30 }, (_, i) => `going${i}`));
  try {
    for (let i = 0; i < 30; i++)
      server.refusals.set(`/api/v1/namespaces/going${i}/configmaps/weft-trust-bundle`, 403);
    const keeper = open();
    await keeper.look();
    await keeper.look();
    expect(held()).toEqual(everywhere("ROOT 1"));
    expect(errors[0]).toContain("going0");
    const tried = server.requests.length;
    await keeper.look();
    expect(server.requests.length, "refused ones are not asked again at once").toBe(tried);
    now = 30_001;
    server.refusals.clear();
    await keeper.look();
    await keeper.look();
    expect(Object.keys(held())).toHaveLength(32);
  } finally {
    namespaces.splice(0, 30);
  }
});

it("is written to one namespace after the other no more while the API server says nothing", async () => {
  const keeper = open();
  server.leave();
  await keeper.look();
  expect(errors).toHaveLength(1);
  server.comeBack();
  await keeper.look();
  expect(held()).toEqual(everywhere("ROOT 1"));
});
