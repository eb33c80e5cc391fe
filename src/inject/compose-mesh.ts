/**
 * What the control plane must know of a compose project: a Service and a Workload for each of its services. Who calls a published
 * port from outside has no certificate, so those ports take plaintext, too. Each is JSON on one line, which YAML reads.
 */
import type { Member } from "./compose-services.ts";

const INBOUND_PORT = 15_006;

export function meshDocuments(members: readonly Member[], trustDomain: string): readonly string[] {
  const mesh = {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "mesh" },
    spec: { trustDomain },
  };
  const documents: object[] = trustDomain === "cluster.local" ? [] : [mesh];
  for (const { id, address, ports, published } of members) {
    const labels = { app: id };
    documents.push({
      apiVersion: "weft.dev/v1alpha1",
      kind: "Workload",
      metadata: { name: id, labels },
      spec: {
        address,
        inboundPort: INBOUND_PORT,
        serviceAccount: id,
        ports: Object.fromEntries(ports.map((port) => [nameOf(port), port])),
      },
    });
    if (ports.length > 0) {
      documents.push({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: id },
        spec: {
          // Its name leads to this address; what goes there goes by its routes.
          clusterIP: address,
          selector: labels,
          ports: ports.map((port) => ({ name: nameOf(port), port, targetPort: nameOf(port) })),
        },
      });
    }
    if (published.length > 0) {
      documents.push({
        apiVersion: "weft.dev/v1alpha1",
        kind: "PeerAuthentication",
        metadata: { name: `${id}-published` },
        spec: {
          selector: { matchLabels: labels },
          portLevelMtls: Object.fromEntries(published.map((port) => [String(port), { mode: "PERMISSIVE" }])),
        },
      });
    }
  }
  return documents.map((document) => JSON.stringify(document));
}

/** No prefix that means a protocol: the port's number says it, as everywhere. */
function nameOf(port: number): string {
  return `port-${port}`;
}
