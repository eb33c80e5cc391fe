/** Parts of resources as a control plane sends them. */
import type { ListenerLimits } from "../../src/discovery/listener.ts";
import type { EndpointResource } from "../../src/discovery/messages.ts";

export const LIMITS: ListenerLimits = {
  maxHeadBytes: 65_536,
  maxHeaders: 100,
  headTimeoutMs: 10_000,
  streamIdleTimeoutMs: 300_000,
  connectionIdleTimeoutMs: 3_600_000,
};

/** Instances of the application `app` at these ports of this machine. */
export function endpointsAt(app: string, ports: readonly number[]): EndpointResource[] {
  return ports.map((port, i) => ({
    address: "127.0.0.1",
    port,
    weight: 1,
    workload: `${app}-${i}`,
    namespace: "default",
    serviceAccount: "default",
    app,
    version: "v1",
  }));
}
