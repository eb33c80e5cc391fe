/** The cases of every API server, on the stub and, where KUBECONFIG points to one, on a real cluster. */
import { afterAll, afterEach } from "vitest";
import { requires } from "../../harness/requires.ts";
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
  let real: RealCluster | undefined;
  afterAll(() => real?.close());
  clusterCases("the cluster of KUBECONFIG", async () => {
    real ??= await openRealCluster();
    return real;
  });
});
