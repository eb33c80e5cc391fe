/**
 * The cluster of KUBECONFIG, for tests: a namespace that is made and removed again, and Weft's definitions where they are not
 * installed, which are removed again as well.
 */
import { openApi } from "../../../src/control-plane/source/kubernetes/api.ts";
import { CUSTOM_KINDS, definitionOf } from "../../../src/resources/crd.ts";
import { listPath } from "../../../src/resources/plural.ts";
import type { ApiObject, Json } from "./api-objects.ts";
import type { TestCluster } from "./cluster.cases.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const MANAGER = "fieldManager=weft-test&force=true";

export interface RealCluster extends TestCluster {
  close(): Promise<void>;
}

export async function openRealCluster(): Promise<RealCluster> {
  const api = await openApi();
  const namespace = `weft-test-${process.pid}-${Date.now().toString(36)}`;
  const made: string[] = [];
  const apply = (path: string, body: Json) =>
    api.send({
      method: "PATCH",
      path: `${path}?${MANAGER}`,
      contentType: "application/apply-patch+yaml",
      body,
    });
  const exists = (path: string) =>
    api.send({ path }).then(
      () => true,
      () => false,
    );
  for (const kind of CUSTOM_KINDS) {
    const definition = definitionOf(kind);
    const path = `${DEFINITIONS}/${(definition["metadata"] as { name: string }).name}`;
    if (!(await exists(path))) made.push(path);
    await apply(path, definition);
    while (!(await exists(`${listPath(kind)}?limit=1`)))
      await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const home = `/api/v1/namespaces/${namespace}`;
  await apply(home, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  made.push(home);
  return {
    api,
    namespace,
    put: async (path, object) => {
      const target = `${path}/${object.metadata.name}`;
      await apply(target, written(path, object));
      if ("status" in object && path.endsWith("/pods")) {
        const { metadata, status } = object;
        const type = { apiVersion: "v1", kind: "Pod", metadata: { name: metadata.name, namespace } };
        await apply(`${target}/status`, { ...type, status });
      }
    },
    remove: async (path, name) => void (await api.send({ method: "DELETE", path: `${path}/${name}` })),
    get: async (path, name) => (await api.send({ path: `${path}/${name}` })) as Json,
    close: async () => {
      for (const path of made.reverse()) await api.send({ method: "DELETE", path }).catch(() => {});
    },
  };
}

/** As a person would write it: without what only servers write, and so that no node ever runs it. */
function written(path: string, { status: _status, ...object }: ApiObject): Json {
  const { name, namespace, labels, annotations } = object.metadata;
  const metadata = { name, namespace, labels, annotations };
  if (path.endsWith("/endpointslices")) {
    return { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", ...object, metadata };
  }
  if (!path.endsWith("/pods")) return { ...object, metadata };
  const containers = [
    { name: "app", image: "weft.invalid/none", ports: [{ name: "http", containerPort: 8080 }] },
  ];
  const spec = { schedulerName: "weft-test-nobody", serviceAccountName: "default", containers };
  return { apiVersion: "v1", kind: "Pod", metadata, spec };
}
