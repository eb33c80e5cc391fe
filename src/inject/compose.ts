/**
 * A compose project into the mesh: names, published ports, volumes and commands stay as they are, and all traffic between its
 * services goes through sidecars. A container that does nothing (`web-weft`) holds the network of a service, so that neither the
 * application nor its sidecar takes it along when it is started anew; both share it. It programs netfilter there,
 * and another container holds the application back until that and the sidecar work. Enrolment is by join tokens, which one container
 * makes that shares the control plane's own loopback.
 */
import { isDeepStrictEqual } from "node:util";
import { mismatch, type Path, type Problem } from "../resources/problem.ts";
import { meshDocuments } from "./compose-mesh.ts";
import { type Ports, readPorts } from "./compose-ports.ts";
import {
  application,
  CONTROL_PLANE,
  controlPlane,
  holder,
  inNetworkOf,
  type Member,
  NETWORK,
  otherNetworks,
  ready,
  type Service,
  sidecar,
  TOKENS,
  tokens,
  volumeOf,
} from "./compose-services.ts";
import { makePatch, type Operation } from "./patch.ts";
import { SIDECAR_ID } from "./settings.ts";
import { isRecord } from "./shape.ts";

export interface ComposeSettings {
  readonly image: string;
  readonly trustDomain: string;
  /** First three parts of the addresses that services get: a /24 of its own for each project on a machine. */
  readonly addresses: string;
  /** Directory of resources beside the compose file. */
  readonly config: string;
}

export const DEFAULT_COMPOSE_SETTINGS = { addresses: "198.18.255", config: "./config" } as const;

export type ComposeInjection =
  | {
      readonly kind: "injected";
      readonly patch: readonly Operation[];
      readonly warnings: readonly string[];
    }
  | { readonly kind: "unchanged" }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** The network itself, its gateway and the control plane have the first ones. */
const FIRST_ADDRESS = 10;
const MAX_SERVICES = 200;
const WRITTEN_OUT = 'written out, which "docker compose config" does';

export function isCompose(value: unknown): boolean {
  if (!isRecord(value) || "apiVersion" in value) return false;
  return isRecord(value["services"]) || Array.isArray(value["include"]);
}

export function injectCompose(value: unknown, settings: ComposeSettings): ComposeInjection {
  const { services: all = {}, include } = value as Partial<Project>;
  if (CONTROL_PLANE in all) return { kind: "unchanged" };
  const problems: Problem[] = include === undefined ? [] : [mismatch(["include"], WRITTEN_OUT, include)];
  const warnings: string[] = [];
  const members: Member[] = [];
  for (const [name, service] of Object.entries(all)) {
    const path: Path = ["services", name];
    if (!isRecord(service)) {
      problems.push(mismatch(path, "a map", service));
      continue;
    }
    const mode = service["network_mode"];
    if (typeof mode === "string" && !mode.startsWith("service:"))
      warnings.push(`${name}: no sidecar: network_mode is ${mode}`);
    if (mode !== undefined) continue;
    problems.push(...whyNot(service, path));
    if (
      String(service["user"] ?? "")
        .split(":")
        .includes(String(SIDECAR_ID))
    )
      warnings.push(
        `${name}: user or group ${SIDECAR_ID} is the sidecar's: its traffic passes the sidecar by`,
      );
    const read = readPorts(service);
    warnings.push(...read.unread.map((text) => `${name}: ${text} names no port that can be read`));
    if (read.ports.length === 0)
      warnings.push(`${name}: it names no port, so nobody can call it; "expose" does`);
    members.push(memberOf(name, service, read, settings.addresses, members.length));
  }
  problems.push(...clashes(members), ...taken(all, members));
  if (members.length > MAX_SERVICES)
    problems.push(mismatch(["services"], `at most ${MAX_SERVICES} services`, all));
  if (problems.length > 0) return { kind: "refused", problems };
  if (members.some(({ service }) => Object.keys(otherNetworks(service)).length > 0)) {
    warnings.push(`services reach each other on the network "${NETWORK}", whatever other networks they have`);
  }
  return { kind: "injected", patch: makePatch(value, putIn(value as Project, members, settings)), warnings };
}

type Project = Readonly<Record<string, unknown>> & { readonly services: Readonly<Record<string, unknown>> };

function putIn(project: Project, members: readonly Member[], settings: ComposeSettings): Project {
  const held = members.map((member) => ({ member, network: holder(member, settings, members) }));
  const networks = new Map(held.map(({ member, network }) => [member.name, network]));
  const services: Record<string, unknown> = Object.fromEntries(
    Object.entries(project.services).map(([name, service]) => [name, joined(service, networks)]),
  );
  for (const { member, network } of held) {
    services[member.name] = application(member, network);
  }
  for (const { member, network } of held) {
    const added = [network, sidecar(member, network, settings), ready(member, network, settings)];
    for (const [i, name] of addedNames(member).entries())
      services[name] = { ...profilesOf(member), ...added[i] };
  }
  const plane = controlPlane(meshDocuments(members, settings.trustDomain), settings);
  services[CONTROL_PLANE] = plane;
  services[TOKENS] = tokens(members, plane, settings);
  const subnet = `${settings.addresses}.0/24`;
  return {
    ...project,
    services,
    networks: { ...recordIn(project["networks"]), [NETWORK]: { ipam: { config: [{ subnet }] } } },
    volumes: {
      ...recordIn(project["volumes"]),
      ...Object.fromEntries(["weft-state", ...members.map(volumeOf)].map((name) => [name, {}])),
    },
  };
}

/** What shares a member's network shares that of its holder now. */
function joined(service: unknown, networks: ReadonlyMap<string, Service>): unknown {
  if (!isRecord(service) || typeof service["network_mode"] !== "string") return service;
  const other = /^service:(.+)$/.exec(service["network_mode"])?.[1] ?? "";
  const network = networks.get(other);
  return network === undefined
    ? service
    : { ...service, ...inNetworkOf(`${other}-weft`, network, service["labels"]) };
}

function memberOf(
  name: string,
  service: Service,
  { ports, published }: Ports,
  addresses: string,
  index: number,
): Member {
  const id = name.toLowerCase().replaceAll(/[_.]/g, "-");
  return { name, id, service, ports, published, address: `${addresses}.${FIRST_ADDRESS + index}` };
}

function addedNames({ name }: Member): readonly string[] {
  return [`${name}-weft`, `${name}-weft-sidecar`, `${name}-weft-ready`];
}

/** What is not started by default takes nothing along. */
function profilesOf({ service }: Member): Service {
  return service["profiles"] === undefined ? {} : { profiles: service["profiles"] };
}

function whyNot(service: Service, path: Path): Problem[] {
  const problems: Problem[] = [];
  if (service["extends"] !== undefined) {
    problems.push(mismatch([...path, "extends"], WRITTEN_OUT, service["extends"]));
  }
  const replicas = service["scale"] ?? recordIn(service["deploy"])["replicas"] ?? 1;
  if (!isDeepStrictEqual(replicas, 1)) {
    problems.push(
      mismatch(
        [...path, "scale" in service ? "scale" : "deploy"],
        "one replica: each service has one network",
        replicas,
      ),
    );
  }
  return problems;
}

function clashes(members: readonly Member[]): Problem[] {
  const seen = new Map<string, string>();
  return members.flatMap(({ name, id }) => {
    const other = seen.get(id);
    seen.set(id, name);
    return other === undefined
      ? []
      : [mismatch(["services", name], `a name that differs from ${other} in more than case and signs`, name)];
  });
}

/** Names that the project uses already for what is added. */
function taken(all: Service, members: readonly Member[]): Problem[] {
  return [...members.flatMap(addedNames), TOKENS]
    .filter((name) => name in all)
    .map((name) => mismatch(["services", name], "a name that Weft does not need for its own", name));
}

function recordIn(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
