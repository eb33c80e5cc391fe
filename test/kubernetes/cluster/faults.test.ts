/** What a real API server does to a watch: bookmarks, versions that etcd has dropped, a restart in the middle, a network that fails. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";
import { type KubernetesApi, openApi } from "../../../src/control-plane/source/kubernetes/api.ts";
import { TIMING } from "../../../src/control-plane/source/kubernetes/informer.ts";
import { KubernetesSource } from "../../../src/control-plane/source/kubernetes/source.ts";
import { watchOnce } from "../../../src/control-plane/source/kubernetes/watch.ts";
import { requires } from "../../harness/requires.ts";
import { openRelay, type Relay } from "./relay.ts";
import { clusterOfSuite } from "./suite.ts";

const WAIT = { timeout: 20_000, interval: 50 };
const SERVICES = "/api/v1/services";
const COMPACTION = "2s";

requires("kubernetes")("the source at a real API server", () => {
  let api: KubernetesApi;
  let relay: Relay;
  const sources: KubernetesSource[] = [];
  const suite = clusterOfSuite({ compaction: COMPACTION }, async ({ cluster, kubectl }) => {
    const config = readFileSync(cluster.kubeconfig, "utf8");
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(config)?.[1]);
    relay = await openRelay(port);
    const path = join(cluster.folder, "relayed.kubeconfig");
    writeFileSync(path, config.replace(`127.0.0.1:${port}`, `127.0.0.1:${relay.port}`));
    process.env["KUBECONFIG"] = path;
    api = await openApi();
    await kubectl("apply", "-f", "deploy/crds");
    await kubectl("create", "namespace", "shop");
  });
  afterEach(() => {
    for (const source of sources.splice(0)) source.close();
  });
  afterAll(() => relay?.close());

  const versionNow = async (path = SERVICES) =>
    ((await api.send({ path: `${path}?limit=1` })) as { metadata: { resourceVersion: string } }).metadata
      .resourceVersion;
  const isDropped = async (version: string) => {
    const path = `${SERVICES}?resourceVersion=${version}&resourceVersionMatch=Exact`;
    return (await suite.kubectl.tried("", "get", "--raw", path)).code !== 0;
  };
  const serve = (name: string) =>
    suite.kubectl("create", "service", "clusterip", name, "--tcp=80", "-n", "shop");
  const watch = async (version: string, handlers: Partial<Parameters<typeof watchOnce>[3]>) => {
    const all = { opened: () => {}, event: () => {}, version: () => {}, ...handlers };
    // 300 s × (1 - 0.98): a server says how far it has come shortly before it ends a watch.
    return watchOnce(api, SERVICES, version, all, AbortSignal.timeout(60_000), () => -0.98);
  };
  const open = async () => {
    const states = new Set<string>();
    const stateChanged = (kind: string, { kind: state }: { kind: string }) =>
      void states.add(`${kind} ${state}`);
    const source = new KubernetesSource({ api, stateChanged, timing: { ...TIMING, longestMs: 500 } });
    sources.push(source);
    source.start();
    await source.synced;
    const names = () => {
      source.rescan();
      return source.state.resources
        .filter(({ kind, metadata }) => kind === "Service" && metadata.namespace === "shop")
        .map(({ metadata }) => metadata.name)
        .sort();
    };
    return { names, states };
  };

  it("says how far it has come, though nothing of the kind has changed", async () => {
    const before = await versionNow();
    await suite.kubectl("create", "configmap", "other", "-n", "shop");
    const seen: string[] = [];
    const watched = watch(before, { version: (version) => seen.push(version) });
    // To answer a list, the server has its cache catch up with etcd.
    const now = await versionNow();
    expect(await watched).toEqual({ kind: "ended" });
    expect(Number(now)).toBeGreaterThan(Number(before));
    expect(Number(seen.at(-1))).toBeGreaterThanOrEqual(Number(now));
  });

  it("is followed through a restart", { timeout: 60_000 }, async () => {
    await serve("a");
    const { names } = await open();
    expect(names()).toEqual(["a"]);
    await suite.cluster.killApiServer();
    expect(names()).toEqual(["a"]);
    await suite.cluster.startApiServer();
    await serve("b");
    await suite.kubectl("delete", "service", "a", "-n", "shop");
    await expect.poll(names, WAIT).toEqual(["b"]);
  });

  it("says that a version is too old which is from before it started, and which etcd has dropped", async () => {
    await expect.poll(() => isDropped("1"), { timeout: 15_000, interval: 200 }).toBe(true);
    expect(await watch("1", {})).toMatchObject({ kind: "expired" });
  });

  it("is read anew where a network that failed has made it too late to go on", {
    timeout: 90_000,
  }, async () => {
    const { names, states } = await open();
    const before = await versionNow();
    relay.cut();
    await serve("c");
    await suite.kubectl("delete", "service", "b", "-n", "shop");
    // A server that starts anew has in its cache what it finds, and etcd no more of what was before.
    await suite.cluster.killApiServer();
    await suite.cluster.startApiServer();
    await expect.poll(() => isDropped(before), { timeout: 30_000, interval: 500 }).toBe(true);
    expect(names()).toEqual(["b"]);
    expect([...states]).toContain("Service failing");
    relay.mend();
    await expect.poll(names, { timeout: 40_000, interval: 50 }).toEqual(["c"]);
  });

  it("is believed only after a second look where etcd comes back from an old backup", {
    timeout: 90_000,
  }, async () => {
    const backup = join(suite.cluster.folder, "backup");
    await suite.cluster.restart((data) => cpSync(data, backup, { recursive: true }));
    for (const name of ["d", "e", "f", "g", "h", "i"]) await serve(name);
    const { names, states } = await open();
    expect(names()).toEqual(["c", "d", "e", "f", "g", "h", "i"]);
    await suite.cluster.restart((data) => {
      rmSync(data, { recursive: true });
      cpSync(backup, data, { recursive: true });
    });
    await expect.poll(() => [...states], WAIT).toContain("Service held");
    expect(names()).toEqual(["c", "d", "e", "f", "g", "h", "i"]);
    await expect.poll(names, WAIT).toEqual(["c"]);
    await serve("j");
    await expect.poll(names, WAIT).toEqual(["c", "j"]);
  });
});
