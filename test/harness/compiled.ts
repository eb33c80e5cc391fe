/** Resources as users write them, through the real loader and compiler: what a sidecar would get. */

import { Compiler } from "../../src/control-plane/compile/compiler.ts";
import type { Node, ResourceType } from "../../src/discovery/messages.ts";
import { loadFiles } from "../../src/resources/load.ts";
import type { Resource } from "../../src/resources/resource.ts";

const NODE: Node = {
  id: "default/client",
  namespace: "default",
  workload: "client",
  serviceAccount: "default",
  labels: {},
  address: "127.0.0.1",
  ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
  version: "0",
};

/** The compiled resource of this type and name; throws for documents with errors, and for what is not there. */
export function compiled<R>(
  documents: readonly object[],
  type: ResourceType,
  name: string,
  node: Partial<Node> = {},
): R {
  const compiler = new Compiler();
  compiler.update(loaded(documents));
  const found = compiler.get(type, name, { ...NODE, ...node });
  if (found === undefined) throw new Error(`no ${type} ${name}`);
  return found.resource as R;
}

/** A compiler under STRICT with these documents; `update` replaces them and tells what has changed, as `type name`. */
export function compilerOf(documents: readonly object[]): {
  readonly compiler: Compiler;
  update(documents: readonly object[]): readonly string[];
} {
  const compiler = new Compiler("STRICT");
  const update = (next: readonly object[]) =>
    compiler.update(loaded(next)).map(({ type, name }) => `${type} ${name}`);
  update(documents);
  return { compiler, update };
}

/** Throws for documents with errors. */
function loaded(documents: readonly object[]): readonly Resource[] {
  const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
  const { resources, issues } = loadFiles([{ name: "test.yaml", text }]);
  const errors = issues.filter((issue) => issue.severity === "error");
  if (errors.length > 0) throw new Error(JSON.stringify(errors, null, 2));
  return resources;
}

export function serviceDocument(name: string, port = 80): object {
  const ports = [{ name: "http", port, targetPort: 9000 }];
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app: name }, ports } };
}

/** An HTTPRoute attached to Service `shop`, with the fields that matter to a test. */
export function routeDocument(name: string, rules: readonly object[], metadata: object = {}): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, ...metadata },
    spec: { parentRefs: [{ group: "", kind: "Service", name: "shop" }], rules },
  };
}

export const TO_SHOP = [{ name: "shop", port: 80 }];

/** For a Service of the same name. */
export function trafficPolicyDocument(name: string, spec: object): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "TrafficPolicy",
    metadata: { name },
    spec: { targetRef: { name }, ...spec },
  };
}

/** For clients of Service `shop`. */
export function faultsDocument(faults: readonly object[], name = "chaos"): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "FaultInjection",
    metadata: { name },
    spec: { targetRef: { name: "shop" }, faults },
  };
}
