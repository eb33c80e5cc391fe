/** Active health checks as people and alerts see them. */
import type { HealthMonitor } from "../health/monitor.ts";
import type { Family } from "./exposition.ts";
import type { Answer } from "./server.ts";
import { json } from "./server.ts";

const RESULTS = ["pass", "fail", "timeout"] as const;

export function* healthCheckFamilies(monitor: HealthMonitor): Generator<Family> {
  yield {
    name: "weft_health_checks_total",
    help: "Active health checks that ended, by result.",
    type: "counter",
    values: function* () {
      for (const [cluster, { counts }] of monitor.clusters())
        for (const result of RESULTS) yield { value: counts[result], labels: { cluster, result } };
    },
  };
  yield {
    name: "weft_health_check_unhealthy",
    help: "Endpoints that fail their active health check.",
    type: "gauge",
    values: function* () {
      for (const [cluster, checks] of monitor.clusters())
        yield { value: checks.unhealthy().length, labels: { cluster } };
    },
  };
}

/** The page `/health-checks`. */
export function describeHealthChecks(monitor: HealthMonitor): Answer {
  const items = [...monitor.clusters()].flatMap(([cluster, { checks }]) =>
    [...checks].map(({ endpoint, verdict, lastResult }) => ({
      cluster,
      endpoint: `${endpoint.address}:${endpoint.port}`,
      workload: endpoint.workload,
      verdict,
      lastResult,
    })),
  );
  return json(200, { items });
}
