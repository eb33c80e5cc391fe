/** A sidecar as it introduces itself to a control plane. */
import type { Node } from "../../src/discovery/messages.ts";

export function nodeOf(id: string): Node {
  return {
    id,
    namespace: "default",
    workload: id,
    serviceAccount: "default",
    labels: {},
    address: "127.0.0.1",
    ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
    version: "0",
  };
}
