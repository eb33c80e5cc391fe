import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { nodeOf } from "../../../test/harness/node.ts";
import { at, route } from "../../../test/harness/subscriber.ts";
import { Configuration, type DiscoveryLink } from "./configuration.ts";
import { SnapshotWriter } from "./persist.ts";
import { emptyShelves, put } from "./store.ts";

const LINK: DiscoveryLink = {
  subscribe() {},
  unsubscribe() {},
  sendLoad() {},
  sendDemand() {},
  sendLeaving() {},
  close() {},
};

it("connects when what an earlier run left is known, so that the first stream resumes from it", async () => {
  const stateDir = await mkdtemp(join(tmpdir(), "weft-configuration-"));
  const applied = emptyShelves<never>();
  put(applied, "route", at("7", route("a.default:80")));
  const writer = new SnapshotWriter(stateDir, "web", { applied, hosts: () => [] }, (message) => {
    throw new Error(message);
  });
  writer.changed();
  await writer.close();
  const resumed: unknown[] = [];
  const configuration = await Configuration.start({
    node: nodeOf("web"),
    connect: (hooks) => {
      queueMicrotask(() => resumed.push(hooks.versions("route")));
      return LINK;
    },
    send: async () => {},
    check: () => undefined,
    ...{ loops: 1, scope: "lazy", stateDir },
    ...{ warn() {}, lend() {}, onConnected() {} },
  });
  expect(resumed).toEqual([{ "a.default:80": "7" }]);
  await configuration.close();
  await rm(stateDir, { recursive: true });
});
