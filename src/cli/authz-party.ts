/** Who `weft authz` is asked about: Workloads by their own name or by that of a Service in front of them; or a principal. */
import type { MeshIndex } from "../control-plane/compile/mesh-index.ts";
import { principalOf } from "../control-plane/compile/principal.ts";
import type { Node } from "../discovery/messages.ts";
import { parseSpiffeId, workloadOf } from "../identity/spiffe-id.ts";
import { closest } from "../resources/suggest.ts";
import { CliError, usageError } from "./exit.ts";

export interface Caller {
  /** For people. */
  readonly name: string;
  readonly peer: { readonly principal: string; readonly namespace: string } | null;
  readonly address: string;
}

const NOBODY: Caller = { name: "nobody", peer: null, address: "" };

/** Callers that a name means; none was given: somebody who proves nothing. */
export function callersOf(mesh: MeshIndex, name: string | undefined, namespace: string): readonly Caller[] {
  if (name === undefined) return [NOBODY];
  if (name.includes("/ns/")) return [ofPrincipal(name.replace(/^spiffe:\/\//, ""))];
  return workloadsNamed(mesh, name, namespace).map((workload) => ({
    name: workload.metadata.name,
    peer: { principal: principalOf(mesh, workload), namespace: workload.metadata.namespace },
    address: workload.spec.address ?? "",
  }));
}

/** The workloads that a name means, as their sidecars would introduce themselves. */
export function targetsOf(mesh: MeshIndex, name: string, namespace: string): readonly Node[] {
  return workloadsNamed(mesh, name, namespace).map(({ metadata, spec }) => ({
    id: `${metadata.namespace}/${metadata.name}`,
    namespace: metadata.namespace,
    workload: metadata.name,
    serviceAccount: spec.serviceAccount ?? "default",
    labels: metadata.labels ?? {},
    address: spec.address ?? "",
    ports: { inbound: 0, outbound: 0, admin: 0, telemetry: 0 },
    version: "",
  }));
}

function workloadsNamed(mesh: MeshIndex, name: string, fallback: string) {
  const [namespace, short] = name.includes("/") ? name.split("/", 2) : [fallback, name];
  const id = `${namespace}/${short}`;
  const workload = mesh.workloads.get(id);
  if (workload !== undefined) return [workload];
  const service = mesh.services.get(id);
  const behind = service === undefined ? [] : mesh.workloadsOf(service);
  if (behind.length > 0) return behind;
  if (service !== undefined) throw new CliError(`no Workload is behind Service ${id}`);
  const known = [...mesh.workloads.keys(), ...mesh.services.keys()];
  const close = closest(id, known);
  throw new CliError(`no Workload and no Service ${id}`, {
    hints: close === undefined ? [] : [`did you mean "${close}"?`],
  });
}

function ofPrincipal(principal: string): Caller {
  const parsed = parseSpiffeId(`spiffe://${principal}`);
  const namespace = parsed.kind === "id" ? workloadOf(parsed.id)?.namespace : undefined;
  if (namespace === undefined) {
    throw usageError(`"${principal}" is no principal`, "such as cluster.local/ns/default/sa/web");
  }
  return { name: principal, peer: { principal, namespace }, address: "" };
}
