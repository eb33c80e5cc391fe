/** A TrafficPolicy's health check as the sidecars of a port's clients carry it out. */
import type { HealthCheck, HealthProbe } from "../../discovery/health-check.ts";
import type { PolicyInput } from "./route-inputs.ts";

type Written = NonNullable<PolicyInput["spec"]["healthCheck"]>;

/** Undefined where there is none, or none for this port of the Service. */
export function compileHealthCheck(written: Written | undefined, port: number): HealthCheck | undefined {
  if (written === undefined || (written.port !== undefined && written.port !== port)) return undefined;
  return {
    probe: probeOf(written),
    intervalMs: written.interval,
    timeoutMs: written.timeout,
    unhealthyThreshold: written.unhealthyThreshold,
    healthyThreshold: written.healthyThreshold,
  };
}

/** Validated to name one of the three. */
function probeOf({ http, grpc }: Written): HealthProbe {
  if (http !== undefined) {
    const { path, host, expectedStatuses } = http;
    return { kind: "http", path, ...(host === undefined ? {} : { host }), expectedStatuses };
  }
  return grpc === undefined ? { kind: "tcp" } : { kind: "grpc", service: grpc.service };
}
