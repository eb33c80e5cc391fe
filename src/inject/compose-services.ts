/** The services that a compose project gets, and what becomes of those that it has. */
import type { ComposeSettings } from "./compose.ts";
import { SIDECAR_ID } from "./settings.ts";
import { isRecord } from "./shape.ts";

export type Service = Readonly<Record<string, unknown>>;

/** A service of the project that gets a sidecar. */
export interface Member {
  readonly name: string;
  /** The name as resources have it: lower case, with dashes. */
  readonly id: string;
  readonly service: Service;
  readonly ports: readonly number[];
  readonly published: readonly number[];
  /** Its address on the mesh's network. */
  readonly address: string;
}

export const CONTROL_PLANE = "weft-control-plane";
export const NETWORK = "weft";
const DISCOVERY_PORT = 15_012;
const API_PORT = 15_014;
const TELEMETRY_PORT = 15_020;
const RUN_DIR = "/run/weft";
const STATE_DIR = "/var/lib/weft";
const MESH_DIR = "/etc/weft/mesh";
/** A sidecar that is made anew enrols anew; what it has been given is kept to itself in a volume of its own. */
const TOKEN = ["--uses", "1000", "--ttl", "720h"] as const;

/** What belongs to a network, and is refused beside `network_mode: service:…`. */
const NETWORK_FIELDS: readonly string[] = [
  ...["networks", "ports", "expose", "hostname", "domainname", "mac_address"],
  ...["dns", "dns_search", "dns_opt", "extra_hosts", "links", "external_links"],
];

const CONFINED = {
  cap_drop: ["ALL"],
  security_opt: ["no-new-privileges:true"],
  read_only: true,
} as const;
const AS_SIDECAR = { user: `${SIDECAR_ID}:${SIDECAR_ID}`, ...CONFINED } as const;

export function volumeOf({ name }: Member): string {
  return `${name}-weft`;
}

/** The service itself: all but its network. */
export function application({ name, service }: Member): Service {
  const kept = Object.fromEntries(
    Object.entries(service).flatMap(([field, value]) => {
      if (NETWORK_FIELDS.includes(field)) return [];
      if (field !== "sysctls") return [[field, value]];
      const own = sysctls(value).filter(([key]) => !key.startsWith("net."));
      return own.length === 0 ? [] : [[field, Object.fromEntries(own)]];
    }),
  );
  return {
    ...kept,
    network_mode: `service:${name}-weft`,
    depends_on: {
      ...dependencies(service["depends_on"]),
      [`${name}-weft-init`]: { condition: "service_completed_successfully" },
      [`${name}-weft-sidecar`]: { condition: "service_healthy" },
    },
  };
}

/** Holds the network, with the service's names and published ports. */
export function holder(member: Member, { image }: ComposeSettings, members: readonly Member[]): Service {
  const { service, address } = member;
  const moved = Object.fromEntries(
    Object.entries(service).filter(
      ([field]) => NETWORK_FIELDS.includes(field) && !/networks|links/.test(field),
    ),
  );
  const net = sysctls(service["sysctls"]).filter(([key]) => key.startsWith("net."));
  return {
    image,
    entrypoint: ["sleep", "infinity"],
    init: true,
    ...moved,
    ...(net.length === 0 ? {} : { sysctls: Object.fromEntries(net) }),
    networks: {
      ...otherNetworks(service),
      [NETWORK]: { aliases: aliasesOf(member, members), ipv4_address: address },
    },
    restart: "unless-stopped",
    ...AS_SIDECAR,
  };
}

/** Programs netfilter in the network that the service will run in. */
export function init({ name }: Member, { image }: ComposeSettings): Service {
  return {
    image,
    command: ["init", "--exclude-inbound-ports", String(TELEMETRY_PORT)],
    network_mode: `service:${name}-weft`,
    depends_on: { [`${name}-weft`]: { condition: "service_started" } },
    user: "0:0",
    ...CONFINED,
    cap_add: ["NET_ADMIN", "NET_RAW"],
  };
}

export function sidecar(member: Member, { image, trustDomain }: ComposeSettings): Service {
  const { name, id } = member;
  return {
    image,
    command: ["sidecar"],
    environment: {
      WEFT_WORKLOAD: `default/${id}`,
      WEFT_SERVICE_ACCOUNT: id,
      WEFT_LABELS: `app=${id}`,
      WEFT_CONTROL_PLANE: `${CONTROL_PLANE}:${DISCOVERY_PORT}`,
      WEFT_TRUST_DOMAIN: trustDomain,
      WEFT_TRUST_BUNDLE: `${RUN_DIR}/trust-bundle.pem`,
      WEFT_JOIN_TOKEN_FILE: `${RUN_DIR}/token`,
      WEFT_STATE_DIR: STATE_DIR,
      WEFT_HOST: "0.0.0.0",
      WEFT_TRANSPARENT: "true",
    },
    network_mode: `service:${name}-weft`,
    volumes: [`${volumeOf(member)}:${RUN_DIR}:ro`],
    tmpfs: [`${STATE_DIR}:uid=${SIDECAR_ID},gid=${SIDECAR_ID},mode=0700`],
    depends_on: {
      [`${name}-weft-init`]: { condition: "service_completed_successfully" },
      "weft-tokens": { condition: "service_completed_successfully" },
    },
    healthcheck: {
      test: ["CMD", "weft", "wait", "--timeout", "5s"],
      ...{ interval: "30s", timeout: "10s", start_period: "60s", start_interval: "1s" },
    },
    restart: "unless-stopped",
    stop_grace_period: "50s",
    ...AS_SIDECAR,
  };
}

export function controlPlane({ image, config }: ComposeSettings): Service {
  const question = `fetch("http://127.0.0.1:${API_PORT}/healthz").then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))`;
  return {
    image,
    command: ["control-plane", "--config", MESH_DIR, "--state-dir", STATE_DIR, "--host", "0.0.0.0"],
    configs: [{ source: "weft-mesh", target: `${MESH_DIR}/compose.yaml` }],
    volumes: [`${config}:${MESH_DIR}/config`, `weft-state:${STATE_DIR}`],
    // For weft apply, status and the rest on this machine alone.
    ports: [`127.0.0.1:${API_PORT}:${API_PORT}`],
    networks: [NETWORK],
    healthcheck: {
      test: ["CMD", "node", "-e", question],
      interval: "10s",
      start_period: "30s",
      start_interval: "1s",
    },
    restart: "unless-stopped",
  };
}

/** Tokens are given out on the control plane's loopback alone: this shares it, and ends. */
export function tokens(members: readonly Member[], { image }: ComposeSettings): Service {
  const make = `weft token create --service-account "$$id" ${TOKEN.join(" ")} > "$$dir/token"`;
  const trust = `weft cert show --pem > "$$dir/trust-bundle.pem"`;
  const ids = members.map(({ id }) => id).join(" ");
  const script = `set -e; for id in ${ids}; do dir=${RUN_DIR}/$$id; ${make}; ${trust}; done`;
  return {
    image,
    entrypoint: ["sh", "-c", script],
    network_mode: `service:${CONTROL_PLANE}`,
    volumes: members.map((member) => `${volumeOf(member)}:${RUN_DIR}/${member.id}`),
    depends_on: { [CONTROL_PLANE]: { condition: "service_healthy" } },
    user: "0:0",
    ...CONFINED,
  };
}

/** All names that led to the service, and those by which others link to it. */
function aliasesOf({ name, service }: Member, members: readonly Member[]): readonly string[] {
  const own = [name, service["container_name"], service["hostname"]];
  const { networks } = service;
  const given = isRecord(networks)
    ? Object.values(networks).flatMap((network) => (isRecord(network) ? (network["aliases"] ?? []) : []))
    : [];
  const links = members.flatMap((other) =>
    Array.isArray(other.service["links"]) ? other.service["links"] : [],
  );
  const linked = links.flatMap((link: unknown) => {
    const [target, alias] = String(link).split(":");
    return target === name && alias !== undefined ? [alias] : [];
  });
  return [...new Set([...own, ...given, ...linked].filter((alias) => typeof alias === "string"))];
}

/** The networks that it has, without the names: those lead to it on the mesh's. */
function otherNetworks({ networks }: Service): Readonly<Record<string, unknown>> {
  if (Array.isArray(networks)) return Object.fromEntries(networks.map((name: unknown) => [String(name), {}]));
  if (!isRecord(networks)) return {};
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => {
      if (!isRecord(network)) return [name, {}];
      const { aliases: _, ...rest } = network;
      return [name, rest];
    }),
  );
}

/** Both forms of it as the long one. */
function dependencies(value: unknown): Readonly<Record<string, unknown>> {
  if (!Array.isArray(value)) return isRecord(value) ? value : {};
  return Object.fromEntries(value.map((name: unknown) => [String(name), { condition: "service_started" }]));
}

function sysctls(value: unknown): [key: string, value: unknown][] {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => String(item).split("=", 2) as [string, string]);
  }
  return isRecord(value) ? Object.entries(value) : [];
}
