/** A table made beside the traffic is the one that the cluster itself would have made. */
import { expect, it } from "vitest";
import type { EndpointResource } from "../../discovery/messages.ts";
import { LOAD_BALANCERS } from "../../discovery/messages.ts";
import { Endpoint, endpointKey } from "./endpoint.ts";
import { hashTableFor, hashTableOf } from "./hash-table.ts";

const endpoint = (port: number, weight = 1, more: Partial<EndpointResource> = {}): EndpointResource => ({
  address: "127.0.0.1",
  port,
  weight,
  workload: `w-${port}`,
  namespace: "default",
  serviceAccount: "default",
  app: "shop",
  version: "v1",
  ...more,
});

it.each(["ringHash", "maglev"] as const)("%s: the same places, by index of the cluster's list", (policy) => {
  const resources = [
    endpoint(1),
    endpoint(2, 3),
    endpoint(3, 0),
    endpoint(1, 2),
    endpoint(4, 1, { zone: "a" }),
  ];
  const byKey = new Map(resources.map((one) => [endpointKey(one), one]));
  const list = [...byKey.values()].map(
    (one) =>
      new Endpoint(one, () => {
        throw new Error("nobody asks for a series");
      }),
  );
  const made = hashTableFor(policy, resources);
  expect(made?.places.length).toBeGreaterThan(1_000);
  expect(made).toEqual(hashTableOf(policy, list));
});

it("policies that do not hash have none", () => {
  for (const policy of LOAD_BALANCERS) {
    if (policy === "ringHash" || policy === "maglev") continue;
    expect(hashTableFor(policy, [endpoint(1)])).toBeUndefined();
  }
});

it("lies in memory that threads share", () => {
  expect(hashTableFor("maglev", [endpoint(1)])?.places.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(hashTableFor("ringHash", [endpoint(1)])?.places.buffer).toBeInstanceOf(SharedArrayBuffer);
});
