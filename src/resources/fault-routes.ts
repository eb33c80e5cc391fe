/** HTTPRoutes that a FaultInjection names and that can't be meant: what befalls their requests befalls nobody. */
import type { Issue } from "./issue.ts";
import { isService } from "./kind/http-route-backend.ts";
import type { FaultInjection, HttpRoute, Resource } from "./resource.ts";
import { closest } from "./suggest.ts";
import { warningAt } from "./warning.ts";

/** A warning for each. */
export function strayFaultRoutes(resources: readonly Resource[]): Issue[] {
  const injections = resources.filter((r) => r.kind === "FaultInjection");
  if (injections.length === 0) return [];
  const routes = resources.filter((r) => r.kind === "HTTPRoute");
  return injections.flatMap((injection) => strayRoutes(injection, routes));
}

function strayRoutes(injection: FaultInjection, all: readonly HttpRoute[]): Issue[] {
  const { metadata, spec } = injection;
  const routes = all.filter((route) => route.metadata.namespace === metadata.namespace);
  const attached = routes
    .filter((route) => isAttached(route, spec.targetRef.name))
    .map((route) => route.metadata.name);
  return spec.faults.flatMap((fault, f) =>
    (fault.routes ?? []).flatMap((name, r) => {
      if (attached.includes(name)) return [];
      const path = ["spec", "faults", f, "routes", r];
      const fate = routes.some((route) => route.metadata.name === name)
        ? `which is not for Service ${metadata.namespace}/${spec.targetRef.name}`
        : "which does not exist";
      return warningAt(injection, path, {
        found: name,
        expected: "an HTTPRoute of the target",
        message: `refers to HTTPRoute ${metadata.namespace}/${name}, ${fate}`,
        suggestion: closest(name, attached),
      });
    }),
  );
}

function isAttached({ metadata, spec }: HttpRoute, service: string): boolean {
  return spec.parentRefs.some(
    (parent) =>
      isService(parent) &&
      parent.name === service &&
      (parent.namespace ?? metadata.namespace) === metadata.namespace,
  );
}
