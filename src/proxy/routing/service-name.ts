/**
 * Which Service an authority means (Kubernetes DNS names): `stock`, `stock.shop`, `stock.shop.svc`, `stock.shop.svc.cluster.local`, in any
 * case, with or without a port. The answer is the name under which the Service's route is asked for.
 */
import { isIP } from "node:net";
import type { Authority } from "../http/authority.ts";

export type ServiceName =
  /** `isCertain`: only a Service can have such a name. */
  | { readonly kind: "service"; readonly route: string; readonly isCertain: boolean }
  /** An address or a name outside of the mesh. */
  | { readonly kind: "external" };

const EXTERNAL: ServiceName = { kind: "external" };
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Without a port the route is asked for by name alone: the Service's port 80, else its first HTTP port. */
export function serviceName(authority: Authority, namespace: string, clusterDomain: string): ServiceName {
  const { host, port } = authority;
  if (isIP(host) !== 0 || host === "localhost") return EXTERNAL;
  const suffix = `.svc.${clusterDomain}`;
  const isQualified = host.endsWith(suffix) || host.endsWith(".svc");
  const bare = host.endsWith(suffix) ? host.slice(0, -suffix.length) : isQualified ? host.slice(0, -4) : host;
  const labels = bare.split(".");
  const [service, in_] = labels;
  if (labels.length > 2 || (isQualified && labels.length !== 2) || service === undefined) return EXTERNAL;
  if (!labels.every((label) => LABEL.test(label))) return EXTERNAL;
  const name = `${service}.${in_ ?? namespace}`;
  return { kind: "service", route: port === 0 ? name : `${name}:${port}`, isCertain: isQualified };
}
