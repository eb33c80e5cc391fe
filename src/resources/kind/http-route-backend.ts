/**
 * References from an HTTPRoute. The Gateway API lets them mean any kind; Weft serves Services, and says so where one is
 * something else: such a parent is left alone, such a backend's share of the traffic gets 500.
 */
import { apiGroup, dnsLabel, dnsName, kindName, port } from "../scalars.ts";
import { type Fields, optional, required, type Say, withDefault } from "../schema.ts";

/** What something is sent to. */
export const backendFields = {
  group: withDefault(apiGroup, "", "API group of the backend."),
  kind: withDefault(kindName, "Service", "Kind of the backend; others than `Service` get 500."),
  name: required(dnsName, "Name of the backend."),
  namespace: optional(dnsLabel, "Its namespace; default: the route's."),
  port: optional(port, "Its port; required for a Service."),
} as const satisfies Fields;

export interface Reference {
  readonly group: string;
  readonly kind: string;
  readonly port?: number;
}

/** A rule for `refine`. */
export function checkBackend(backend: Reference, say: Say, warn: Say): void {
  if (!isService(backend)) {
    warn(["kind"], "only backends of kind Service are served: this one's share gets 500", "Service");
  } else if (backend.port === undefined) say(["port"], "is required for a Service", "a port");
}

/** Whether a reference means a Service. */
export function isService({ group, kind }: Reference): boolean {
  return group === "" && kind === "Service";
}
