/** Names whose meaning DNS proxies have asked for: what a change does to them is looked at again, and nothing for names nobody asks for. */
import type { Resource } from "../../resources/resource.ts";
import { affectedKey } from "./affected.ts";
import { hostNames, isHeadless } from "./host.ts";
import { idOf } from "./inputs.ts";
import { type MeshIndex, selects } from "./mesh-index.ts";

/** Beyond that the oldest is forgotten: its askers learn of changes when they ask again. */
const MAX_NAMES = 200_000;

export class AskedHosts {
  readonly #names = new Set<string>();

  note(name: string): void {
    if (this.#names.has(name)) return;
    const [oldest] = this.#names;
    if (this.#names.size >= MAX_NAMES && oldest !== undefined) this.#names.delete(oldest);
    this.#names.add(name);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Of the names asked for, those that a change concerns. `moved`: automatic addresses that mean something else. */
  affected(
    changed: readonly Resource[],
    meshes: readonly MeshIndex[],
    moved: Iterable<string>,
  ): readonly string[] {
    if (this.#names.size === 0) return [];
    const found = new Set<string>();
    for (const mesh of meshes) {
      for (const resource of changed) for (const name of namesOf(mesh, resource)) found.add(name);
      for (const address of moved) {
        const service = mesh.automatic.at(address);
        if (service !== undefined) for (const name of hostNames(mesh, service)) found.add(name);
      }
    }
    return [...found].filter((name) => this.#names.has(name)).map((name) => affectedKey("host", name));
  }
}

function namesOf(mesh: MeshIndex, { kind, metadata }: Resource): readonly string[] {
  if (kind === "Service") {
    const service = mesh.services.get(idOf(metadata));
    return service === undefined ? [] : hostNames(mesh, service);
  }
  if (kind !== "Workload") return [];
  const labels = mesh.workloads.get(idOf(metadata))?.metadata.labels;
  return mesh
    .servicesOf(metadata.namespace)
    .filter((service) => isHeadless(service) && selects(service.spec.selector, labels))
    .flatMap((service) => hostNames(mesh, service));
}
