/**
 * Addresses of Services that have none of their own, from 240.0.0.0/4, which nobody uses (RFC 1112): a sidecar's DNS proxy answers
 * with them, and connections to them lead to the Service. They are a matter of the Services' names alone, so that every replica gives the
 * same ones and nothing has to be remembered: each Service takes the first place free in an order of its own, by a digest of its name. Who
 * comes later gives way, so a new Service moves nobody where Services have a time; of 10,000, fewer than one in two meshes has two that meet.
 */
import { hash } from "node:crypto";
import { isAutomatic } from "../../discovery/host.ts";
import { addressesOf } from "./addresses.ts";
import { idOf, type ServiceInput } from "./inputs.ts";

const FIRST = 0xf0_00_00_01;
/** 255.255.255.255 is everybody's. */
const COUNT = 0xff_ff_ff_fe - FIRST + 1;

interface Place {
  readonly service: ServiceInput;
  /** Places that it had to pass over. */
  readonly attempt: number;
}

interface Assigned {
  readonly byAddress: ReadonlyMap<string, ServiceInput>;
  readonly byId: ReadonlyMap<string, string>;
}

/** Worked out when first asked for: a mesh without DNS proxies never does. */
export class AutomaticAddresses {
  readonly #services: Iterable<ServiceInput>;
  readonly #isTaken: (address: string) => boolean;
  #assigned: Assigned | undefined;

  /** `isTaken`: whether somebody has the address for another reason. */
  constructor(services: Iterable<ServiceInput>, isTaken: (address: string) => boolean) {
    this.#services = services;
    this.#isTaken = isTaken;
  }

  /** Whether anybody has asked. */
  get isKnown(): boolean {
    return this.#assigned !== undefined;
  }

  of(service: ServiceInput): string | undefined {
    return this.#all().byId.get(idOf(service.metadata));
  }

  at(address: string): ServiceInput | undefined {
    return isAutomatic(address) ? this.#all().byAddress.get(address) : undefined;
  }

  /** Addresses that mean another Service, or none, in `after`. Of nobody's interest as long as nobody has asked. */
  differences(after: AutomaticAddresses): ReadonlySet<string> {
    const found = new Set<string>();
    if (!this.isKnown || this === after) return found;
    const [old, now] = [this.#all().byAddress, after.#all().byAddress];
    for (const [some, others] of [
      [old, now],
      [now, old],
    ] as const) {
      for (const [address, service] of some) {
        const other = others.get(address);
        if (other === undefined || idOf(other.metadata) !== idOf(service.metadata)) found.add(address);
      }
    }
    return found;
  }

  #all(): Assigned {
    this.#assigned ??= this.#assign();
    return this.#assigned;
  }

  #assign(): Assigned {
    const places = new Map<number, Place>();
    for (const service of this.#services) if (isWithoutAddress(service)) this.#seat(places, service);
    const byAddress = new Map<string, ServiceInput>();
    const byId = new Map<string, string>();
    for (const [number, { service }] of places) {
      byAddress.set(dotted(number), service);
      byId.set(idOf(service.metadata), dotted(number));
    }
    return { byAddress, byId };
  }

  /** Whoever has to give way seeks on in turn. */
  #seat(places: Map<number, Place>, service: ServiceInput): void {
    let seeker: Place | undefined = { service, attempt: 0 };
    while (seeker !== undefined) {
      const number = placeOf(seeker);
      const holder = places.get(number);
      if (
        this.#isTaken(dotted(number)) ||
        (holder !== undefined && !goesBefore(seeker.service, holder.service))
      )
        seeker = next(seeker);
      else {
        places.set(number, seeker);
        seeker = holder && next(holder);
      }
    }
  }
}

/** What is called by name alone: a headless one is called by its instances' addresses, and only TCP goes through sidecars. */
function isWithoutAddress(service: ServiceInput): boolean {
  const { clusterIP, type, ports = [] } = service.spec;
  if (clusterIP === "None" || type === "ExternalName" || ports.length === 0) return false;
  return addressesOf(service).length === 0;
}

function next({ service, attempt }: Place): Place {
  return { service, attempt: attempt + 1 };
}

/** Older before younger, as where policies conflict; those without a time come last, by name. */
function goesBefore(a: ServiceInput, b: ServiceInput): boolean {
  return rank(a) < rank(b);
}

function rank({ metadata }: ServiceInput): string {
  return `${metadata.creationTimestamp ?? "~"} ${idOf(metadata)}`;
}

/** First places, of objects that have not been read anew. */
const first = new WeakMap<ServiceInput, number>();

function placeOf({ service, attempt }: Place): number {
  const known = attempt === 0 ? first.get(service) : undefined;
  if (known !== undefined) return known;
  const digest = hash("sha256", `${idOf(service.metadata)} ${attempt}`, "buffer");
  const place = FIRST + (digest.readUIntBE(0, 6) % COUNT);
  if (attempt === 0) first.set(service, place);
  return place;
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((bits) => (number >>> bits) & 255).join(".");
}
