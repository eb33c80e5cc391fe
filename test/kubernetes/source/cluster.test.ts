/** The cases of every API server, on the stub and on a real one: that of KUBECONFIG, else one of our own. */
import { afterAll, afterEach, beforeAll } from "vitest";
import { requires } from "../../harness/requires.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { START_MS } from "../cluster/suite.ts";
import type { ApiServer } from "./api-server.ts";
import { clusterCases } from "./cluster.cases.ts";
import { newCluster } from "./cluster.ts";
import { apiTo } from "./harness.ts";
import { openRealCluster, type RealCluster } from "./real-cluster.ts";

let server: ApiServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

clusterCases("a stub of an API server", async () => {
  const stub = newCluster();
  server = stub;
  await stub.listen();
  const listOf = (path: string) => path.replace(/\/namespaces\/[^/]+/, "");
  return {
    api: apiTo(stub),
    namespace: "weft-test",
    put: async (path, object) =>
      void stub.put(listOf(path), { ...stub.objects(listOf(path)).get(keyOf(object)), ...object }),
    remove: async (path, name) => stub.remove(listOf(path), `weft-test/${name}`),
    get: async (path, name) => stub.objects(listOf(path)).get(`weft-test/${name}`) ?? {},
  };
});

function keyOf({ metadata }: { readonly metadata: { readonly name: string } }): string {
  return `weft-test/${metadata.name}`;
}

requires("cluster")("with a real API server", () => {
  let own: Cluster | undefined;
  let real: RealCluster | undefined;
  beforeAll(async () => {
    if ((process.env["KUBECONFIG"] ?? "") !== "") return;
    own = await startCluster();
    process.env["KUBECONFIG"] = own.kubeconfig;
  }, START_MS);
  afterAll(async () => {
    await real?.close();
    await own?.close();
  }, START_MS);
  clusterCases("a cluster", async () => {
    real ??= await openRealCluster();
    return real;
  });
});
