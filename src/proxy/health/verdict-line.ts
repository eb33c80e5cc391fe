/** The line of the sidecar's log for an endpoint that has become unhealthy, or healthy again. */
import type { EndpointCheck } from "./endpoint-check.ts";

/** The line, without its end. */
export function verdictLine(cluster: string, check: EndpointCheck, time: Date): string {
  const { endpoint, isUnhealthy, lastResult } = check;
  return JSON.stringify({
    level: isUnhealthy ? "warn" : "info",
    time: time.toISOString(),
    msg: isUnhealthy ? "endpoint unhealthy" : "endpoint healthy",
    cluster,
    endpoint: `${endpoint.address}:${endpoint.port}`,
    workload: endpoint.workload,
    namespace: endpoint.namespace,
    reason: lastResult,
  });
}
