/** Whether this sidecar can carry out a health check: one that it does not understand must not pass for none. */
import type { HealthCheck, HealthProbe } from "../../discovery/health-check.ts";
import type { DiscoveryError } from "../../discovery/messages.ts";

/** What may stand in a request line, and in a Host. */
const PATH = /^\/[\x21-\x7e]*$/;
const HOST = /^[A-Za-z0-9.:-]+$/;

/** Why a cluster's health check is not usable, or undefined. */
export function checkHealthCheck(
  cluster: string,
  check: HealthCheck | undefined,
): DiscoveryError | undefined {
  if (check === undefined) return undefined;
  const wrong = (field: string, expected: string): DiscoveryError => ({
    code: "invalid",
    message: `expected ${expected}`,
    resource: cluster,
    field: `healthCheck.${field}`,
  });
  for (const field of ["intervalMs", "timeoutMs"] as const) {
    if (!(Number.isFinite(check[field]) && check[field] > 0)) return wrong(field, "milliseconds over 0");
  }
  for (const field of ["unhealthyThreshold", "healthyThreshold"] as const) {
    if (!(Number.isInteger(check[field]) && check[field] > 0)) return wrong(field, "a whole number over 0");
  }
  const expected = probeFault(check.probe);
  return expected === undefined ? undefined : wrong("probe", expected);
}

/** What a probe should be, or undefined where it is so. */
function probeFault(probe: HealthProbe): string | undefined {
  switch (probe?.kind) {
    case "http": {
      const { path, host, expectedStatuses } = probe;
      if (!PATH.test(path)) return "a path that begins with / and has visible characters alone";
      if (host !== undefined && !HOST.test(host)) return "a host name, with or without a port";
      const areRanges = Array.isArray(expectedStatuses) && expectedStatuses.every(isRange);
      return areRanges ? undefined : "ranges of statuses from 100 to 599";
    }
    case "tcp":
      return undefined;
    case "grpc":
      return typeof probe.service === "string" ? undefined : "the name of a service";
    default:
      return "a probe of kind http, tcp or grpc";
  }
}

function isRange(range: unknown): boolean {
  if (!Array.isArray(range)) return false;
  const [from, to] = range;
  return from >= 100 && from <= to && to <= 599;
}
