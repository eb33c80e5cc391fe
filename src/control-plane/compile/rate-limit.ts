/** RateLimits as the sidecars of the workloads behind their Services get them. */
import type { Node } from "../../discovery/messages.ts";
import type { RateLimitKey, RateLimitRules } from "../../discovery/rate-limit.ts";
import type { RateLimit } from "../../resources/resource.ts";
import { idOf } from "./inputs.ts";
import { inboundPorts } from "./listener.ts";
import { compileMatch } from "./match.ts";
import { type MeshIndex, workloadOf } from "./mesh-index.ts";

/** Limits for a node's workload, in order of their names. */
export function compileRateLimits(mesh: MeshIndex, node: Node): readonly RateLimitRules[] {
  const namespace = workloadOf(mesh, node)?.metadata.namespace ?? node.namespace;
  const limits = mesh.rateLimits.get(namespace) ?? [];
  if (limits.length === 0) return [];
  const ports = inboundPorts(mesh, node);
  return limits.flatMap((resource) => {
    const { name } = resource.spec.targetRef;
    const found = new Set(ports.flatMap(({ service, appPort }) => (service.name === name ? appPort : [])));
    return found.size === 0 ? [] : rulesOf(mesh, resource, [...found]);
  });
}

function rulesOf(mesh: MeshIndex, resource: RateLimit, ports: readonly number[]): readonly RateLimitRules[] {
  const { metadata, spec } = resource;
  return spec.limits.map((limit, i) => {
    const id = `${idOf(metadata)}/${limit.name ?? i}`;
    const source = `RateLimit ${idOf(metadata)} limit ${i}`;
    const matches = limit.match?.map((match) => compileMatch(match, 0, source));
    return {
      id,
      ports,
      ...(matches === undefined ? {} : { matches }),
      requests: limit.requests,
      perMs: limit.per,
      burst: limit.burst ?? limit.requests,
      key: (limit.key ?? []).map(keyOf),
      ...(limit.scope === "mesh" ? { mesh: { instances: instancesOf(mesh, resource) } } : {}),
    };
  });
}

/** Rounded up to a power of two: not with each instance that comes everybody's policy is another one. */
function instancesOf(mesh: MeshIndex, { metadata, spec }: RateLimit): number {
  const id = idOf({ namespace: metadata.namespace, name: spec.targetRef.name });
  const service = mesh.services.get(id);
  const written = service === undefined ? 0 : mesh.workloadsOf(service).length;
  return 2 ** Math.ceil(Math.log2(Math.max(1, written + mesh.instances.count(id))));
}

type KeyInput = NonNullable<RateLimit["spec"]["limits"][number]["key"]>[number];

function keyOf({ header, pathTemplate, identity }: KeyInput): RateLimitKey {
  if (header !== undefined) return { kind: "header", name: header.toLowerCase() };
  if (pathTemplate !== undefined) return { kind: "pathTemplate", template: pathTemplate };
  return { kind: identity === true ? "identity" : "sourceAddress" };
}
