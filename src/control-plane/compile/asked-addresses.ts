/**
 * Names by address that sidecars have asked for. What leads to them is looked at again when the Services behind them may have
 * changed; the addresses of a hundred thousand endpoints that nobody asks for cost nothing.
 */
import type { ResourceType } from "../../discovery/messages.ts";
import { addressesOf, DEFAULT_ADDRESS, shortAddress } from "./addresses.ts";
import { affectedKey } from "./affected.ts";
import type { ServiceInput } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { addressNames, findServicePort, parseAddressName } from "./names.ts";

/** Beyond that the oldest is forgotten: its askers learn of changes when they ask again. */
const MAX_NAMES = 200_000;
const TYPES: readonly ResourceType[] = ["cluster", "endpoints", "route"];

export class AskedAddresses {
  /** By address. */
  readonly #names = new Map<string, Set<string>>();
  #size = 0;
  #wantsAll = false;

  /** Somebody asks for `name`; names that are no addresses don't matter. */
  note(name: string): void {
    const at = parseAddressName(name);
    if (at === undefined) return;
    const names = this.#names.get(at.address) ?? new Set();
    if (names.has(name)) return;
    if (this.#size >= MAX_NAMES) this.#forgetOldest();
    this.#names.set(at.address, names.add(name));
    this.#size++;
  }

  /** Somebody asks for all Services' addresses, present and future. */
  noteAll(): void {
    this.#wantsAll = true;
  }

  /** Names asked for at any of these addresses. */
  at(addresses: Iterable<string>): readonly string[] {
    return [...addresses].flatMap((address) => [...(this.#names.get(address) ?? [])]);
  }

  /**
   * Of the names asked for, those that a change concerns, by the Services' names (`affectedKey`) that it concerns. `moved`: automatic
   * addresses that mean something else.
   */
  affected(
    keys: ReadonlySet<string>,
    meshes: readonly MeshIndex[],
    moved: Iterable<string> = [],
  ): readonly string[] {
    if (this.#size === 0 && !this.#wantsAll) return [];
    const found = new Set<string>(this.at(moved));
    for (const mesh of meshes) {
      for (const service of servicesOf(keys, mesh)) {
        if (this.#wantsAll) for (const name of addressNames(service)) found.add(name);
        for (const address of addressesTo(service, mesh))
          for (const name of this.#names.get(address) ?? []) found.add(name);
      }
    }
    return [...found].flatMap((name) => TYPES.map((type) => affectedKey(type, name)));
  }

  #forgetOldest(): void {
    const [oldest] = this.#names;
    if (oldest === undefined) return;
    this.#names.delete(oldest[0]);
    this.#size -= oldest[1].size;
  }
}

function servicesOf(keys: ReadonlySet<string>, mesh: MeshIndex): ReadonlySet<ServiceInput> {
  const found = new Set<ServiceInput>();
  for (const key of keys) {
    const target = findServicePort(mesh, key.slice(key.indexOf(" ") + 1));
    if (target !== undefined) found.add(target.service);
  }
  return found;
}

function addressesTo(service: ServiceInput, mesh: MeshIndex): readonly string[] {
  const instances = mesh.workloadsOf(service);
  const automatic = mesh.automatic.isKnown ? mesh.automatic.of(service) : undefined;
  return [
    ...addressesOf(service),
    ...(automatic === undefined ? [] : [automatic]),
    ...instances.map(({ spec }) => shortAddress(spec.address ?? DEFAULT_ADDRESS)),
  ];
}
