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

/** One that registers as an instance of `default/web`. */
export function registering(workload = "one", more: Partial<Node> = {}): Node {
  return {
    id: `default/${workload}`,
    namespace: "default",
    workload,
    service: "web",
    registers: true,
    serviceAccount: "web",
    labels: { version: "v2" },
    address: "10.0.0.7",
    version: "1",
    ports: { inbound: 15_006, outbound: 1, admin: 2, telemetry: 3, app: 8_080 },
    ...more,
  };
}
