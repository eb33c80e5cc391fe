/**
 * What holds of any API server: the stub runs these and, where KUBECONFIG points to one, a real cluster. All happens in one
 * namespace of its own, by Services without a selector, whose EndpointSlices nobody else writes.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubernetesApi } from "../../../src/control-plane/source/kubernetes/api.ts";
import { Election } from "../../../src/control-plane/source/kubernetes/election.ts";
import { KubernetesSource } from "../../../src/control-plane/source/kubernetes/source.ts";
import { StatusKeeper } from "../../../src/control-plane/source/kubernetes/status-keeper.ts";
import { pluralOf } from "../../../src/resources/plural.ts";
import type { ApiObject, Json } from "./api-objects.ts";
import { pod, service, slice } from "./cluster.ts";
import { until } from "./harness.ts";

export interface TestCluster {
  readonly api: KubernetesApi;
  readonly namespace: string;
  /** Creates or replaces, with its status. `path`: of the namespace's list. */
  put(path: string, object: ApiObject): Promise<void>;
  remove(path: string, name: string): Promise<void>;
  get(path: string, name: string): Promise<Json>;
}

/** A real API server is not always fast. */
const LIMIT_MS = 15_000;

export function clusterCases(title: string, open: () => Promise<TestCluster>): void {
  describe(title, { timeout: 60_000 }, () => {
    let cluster: TestCluster;
    let source: KubernetesSource;
    let core: string;
    let weft: string;
    let slices: string;

    beforeEach(async () => {
      cluster = await open();
      core = `/api/v1/namespaces/${cluster.namespace}`;
      weft = `/apis/weft.dev/v1alpha1/namespaces/${cluster.namespace}`;
      slices = `/apis/discovery.k8s.io/v1/namespaces/${cluster.namespace}/endpointslices`;
      source = new KubernetesSource({ api: cluster.api });
      source.start();
      await source.synced;
    });

    afterEach(() => source.close());

    const own = () =>
      source.rescan() &&
      source.state.resources.filter(({ metadata }) => metadata.namespace === cluster.namespace);
    const found = (name: string) => (own() || []).find(({ metadata }) => metadata.name === name);

    it("follows Services as they come, change and go", async () => {
      const { namespace } = cluster;
      await cluster.put(`${core}/services`, plain("web", namespace, 80));
      expect(await until(() => found("web") !== undefined, LIMIT_MS)).toBe(true);
      await cluster.put(`${core}/services`, plain("web", namespace, 81));
      const port = () =>
        (found("web")?.spec as { ports: readonly { port: number }[] } | undefined)?.ports[0]?.port;
      expect(await until(() => port() === 81, LIMIT_MS)).toBe(true);
      await cluster.remove(`${core}/services`, "web");
      expect(await until(() => found("web") === undefined, LIMIT_MS)).toBe(true);
    });

    it("follows EndpointSlices and their pods", async () => {
      const { namespace } = cluster;
      await cluster.put(`${core}/services`, plain("db", namespace, 80));
      const one = pod({
        name: "db-0",
        ip: "192.0.2.10",
        app: "db",
        namespace,
        injected: true,
        serviceAccount: "default",
      });
      await cluster.put(`${core}/pods`, one);
      await cluster.put(
        slices,
        slice("db", [{ ip: "192.0.2.10", pod: "db-0" }, { ip: "192.0.2.11" }], namespace),
      );
      const at = () => source.instances.at(`${namespace}/db`, { name: "http", port: 80 });
      expect(await until(() => at().length === 2, LIMIT_MS)).toBe(true);
      const intercepted = Object.fromEntries(
        at().map(({ address, workload }) => [address, workload.spec.intercepted ?? false]),
      );
      expect(intercepted).toEqual({ "192.0.2.10": true, "192.0.2.11": false });
      await cluster.put(slices, slice("db", [{ ip: "192.0.2.10", pod: "db-0", ready: false }], namespace));
      expect(await until(() => at().length === 0, LIMIT_MS)).toBe(true);
    });

    it("keeps the last good version of what has become wrong, and says so in its status", async () => {
      const path = `${weft}/${pluralOf("RateLimit")}`;
      await cluster.put(`${core}/services`, plain("web", cluster.namespace, 80));
      await cluster.put(path, limit(cluster.namespace, "/users/{id}"));
      expect(await until(() => found("limit") !== undefined, LIMIT_MS)).toBe(true);
      const keeper = new StatusKeeper({
        api: cluster.api,
        source,
        isLeader: () => true,
        progress: (change) => ({ change, state: "applied", concerned: 0, applied: 0, rejected: [] }),
        onError: () => {},
      });
      const conditions = async () => {
        source.rescan();
        keeper.released(1);
        await keeper.look();
        const { status } = (await cluster.get(path, "limit")) as {
          status?: { conditions?: readonly Json[] };
        };
        return (status?.conditions ?? []).map((c) => `${c["type"]} ${c["status"]}`).join(", ");
      };
      expect(await settles(conditions, "Accepted True, ResolvedRefs True, Programmed True")).toBe(true);
      // No segment is named: what a schema can't say, and Weft does.
      await cluster.put(path, limit(cluster.namespace, "/users"));
      expect(await settles(conditions, "Accepted False, Programmed False, ResolvedRefs True")).toBe(true);
      expect(JSON.stringify(found("limit")?.spec)).toContain("/users/{id}");
      keeper.close();
    });

    it("has one leader", async () => {
      const { api, namespace } = cluster;
      const elections = ["a", "b"].map(
        (identity) =>
          new Election({
            api,
            namespace,
            name: "weft-test",
            identity,
            onChange: () => {},
            onError: () => {},
            lookMs: 100,
          }),
      );
      for (const election of elections) election.start();
      const leaders = () => elections.filter(({ isLeader }) => isLeader);
      expect(await until(() => leaders().length === 1, LIMIT_MS)).toBe(true);
      const [first] = leaders();
      await first?.close();
      const other = elections.find((election) => election !== first);
      expect(await until(() => other?.isLeader === true, LIMIT_MS)).toBe(true);
      await other?.close();
    });
  });
}

async function settles(read: () => Promise<string>, expected: string): Promise<boolean> {
  const limit = performance.now() + LIMIT_MS;
  while ((await read()) !== expected) {
    if (performance.now() > limit) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

function plain(name: string, namespace: string, port: number): ApiObject {
  const { metadata } = service(name, namespace);
  const { name: own, namespace: space } = metadata;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: own, namespace: space as string },
    spec: { ports: [{ name: "http", port, targetPort: 8080, protocol: "TCP" }] },
  };
}

function limit(namespace: string, pathTemplate: string): ApiObject {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "RateLimit",
    metadata: { name: "limit", namespace },
    spec: { targetRef: { name: "web" }, limits: [{ requests: 5, per: "1s", key: [{ pathTemplate }] }] },
  };
}
