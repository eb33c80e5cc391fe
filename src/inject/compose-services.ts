/** The services that a compose project gets, and what becomes of those that it has. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
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
export const TOKENS = "weft-tokens";
export const NETWORK = "weft";
const DISCOVERY_PORT = 15_012;
const API_PORT = 15_014;
const TELEMETRY_PORT = 15_020;
const NETWORK_LABEL = "weft.dev/network";
const MARK_DIGITS = 12;
const RUN_DIR = "/run/weft";
const STATE_DIR = "/var/lib/weft";
/**
 * The engine may start the service together with this, as after a restart of the machine: until netfilter is programmed there is no way
 * out, and so none in. What was connected before would stay so, past the sidecar. Rules of routing take an `ip`, weft a Node.
 */
const CLOSED_PREF = 1;
/** For netfilter, which may be locked, and the machine, which may be busy. */
const TRIES = [1, 2, 3, 4, 5];
/** In the volume: what is applied and stands in no file of the project is kept, too. */
const MESH_DIR = `${STATE_DIR}/mesh`;
/** A sidecar that is started anew enrols anew, at any time: its token is renewed, in a volume that it alone sees. */
const TOKEN = ["--uses", "1000", "--ttl", "24h"] as const;
const RENEWAL = "1h";

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
/** A shell or sleep as first process hears no SIGTERM, and has nothing to put in order. */
const HELD = { stop_signal: "SIGKILL", restart: "unless-stopped" } as const;
const AS_SIDECAR = { user: `${SIDECAR_ID}:${SIDECAR_ID}`, ...CONFINED } as const;

export function volumeOf({ name }: Member): string {
  return `${name}-weft`;
}

/**
 * In the network that `holder` holds. The label makes compose make a container anew together with that one, which it would otherwise
 * leave in a network that is gone.
 */
export function inNetworkOf(name: string, holder: Service, labels: unknown = {}): Service {
  const mark = createHash("sha256").update(JSON.stringify(holder)).digest("hex").slice(0, MARK_DIGITS);
  const marked = Array.isArray(labels)
    ? [...(labels as readonly unknown[]), `${NETWORK_LABEL}=${mark}`]
    : { ...(isRecord(labels) ? labels : {}), [NETWORK_LABEL]: mark };
  return { network_mode: `service:${name}`, labels: marked };
}

/** The service itself: all but its network. */
export function application({ name, service }: Member, network: Service): Service {
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
    ...inNetworkOf(`${name}-weft`, network, kept["labels"]),
    depends_on: {
      ...dependencies(service["depends_on"]),
      [`${name}-weft-ready`]: { condition: "service_completed_successfully" },
    },
  };
}

/**
 * Holds the network, with the service's names and published ports. It programs netfilter there whenever it starts, so that also after a
 * restart of the machine nothing passes a sidecar by; then it gives its rights up.
 */
export function holder(member: Member, { image }: ComposeSettings, members: readonly Member[]): Service {
  const { service, address } = member;
  const moved = Object.fromEntries(
    Object.entries(service).filter(
      ([field]) => NETWORK_FIELDS.includes(field) && !/networks|links/.test(field),
    ),
  );
  const net = sysctls(service["sysctls"]).filter(([key]) => key.startsWith("net."));
  // Ended and started anew it would have another network than those who share this one already.
  const tries = `for try in ${TRIES.join(" ")};`;
  const program = `weft init --exclude-inbound-ports ${TELEMETRY_PORT}`;
  const hold = `setpriv --reuid ${SIDECAR_ID} --regid ${SIDECAR_ID} --clear-groups sleep infinity`;
  const script = [
    `route() { ip rule $$1 pref ${CLOSED_PREF} unreachable; ip -6 rule $$1 pref ${CLOSED_PREF} unreachable; } 2> /dev/null`,
    "route add",
    `${tries} do ${program} && { route del; exec ${hold}; }; sleep 1; done`,
    "exit 1",
  ];
  return {
    image,
    entrypoint: ["sh", "-c", script.join("\n")],
    ...moved,
    ...(net.length === 0 ? {} : { sysctls: Object.fromEntries(net) }),
    networks: {
      ...otherNetworks(service),
      [NETWORK]: { aliases: aliasesOf(member, members), ipv4_address: address },
    },
    user: "0:0",
    ...CONFINED,
    // The last two are for becoming the sidecar's user: to try the rules, and for good.
    cap_add: ["NET_ADMIN", "NET_RAW", "SETUID", "SETGID"],
    ...HELD,
  };
}

/** Ends when the network's traffic goes through its sidecar: then the service may start. */
export function ready({ name }: Member, network: Service, { image }: ComposeSettings): Service {
  return {
    image,
    command: ["wait", "--intercepted", "--timeout", "10m"],
    ...inNetworkOf(`${name}-weft`, network),
    depends_on: { [`${name}-weft-sidecar`]: { condition: "service_started" } },
    ...AS_SIDECAR,
  };
}

export function sidecar(member: Member, network: Service, { image, trustDomain }: ComposeSettings): Service {
  const { name, id } = member;
  const isGiven = `[ -s ${RUN_DIR}/token ]`;
  return {
    image,
    entrypoint: ["sh", "-c", `until ${isGiven}; do sleep 0.2; done; exec weft sidecar`],
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
    ...inNetworkOf(`${name}-weft`, network),
    volumes: [`${volumeOf(member)}:${RUN_DIR}:ro`],
    tmpfs: [`${STATE_DIR}:uid=${SIDECAR_ID},gid=${SIDECAR_ID},mode=0700`],
    // And on the network that it shares: said twice, Compose v2 would not restart it together with that one.
    depends_on: { [TOKENS]: { condition: "service_started" } },
    restart: "unless-stopped",
    stop_grace_period: "50s",
    ...AS_SIDECAR,
  };
}

/** What it must know of the project is its arguments: inline `configs` are not known to each docker-compose. */
export function controlPlane(documents: readonly string[], { image, config }: ComposeSettings): Service {
  const write = `printf -- '---\\n%s\\n' "$$@" > ${MESH_DIR}/compose.yaml`;
  const serve = `weft control-plane --config ${MESH_DIR} --state-dir ${STATE_DIR} --host 0.0.0.0`;
  return {
    image,
    entrypoint: ["sh", "-c", `${write} && exec ${serve}`, "weft"],
    command: documents.map((document) => document.replaceAll("$", "$$$$")),
    volumes: [`${config}:${MESH_DIR}/config`, `weft-state:${STATE_DIR}`],
    // For weft apply, status and the rest on this machine alone.
    ports: [`127.0.0.1:${API_PORT}:${API_PORT}`],
    networks: [NETWORK],
    restart: "unless-stopped",
    ...AS_SIDECAR,
  };
}

/**
 * Tokens are given out on the control plane's loopback alone: this shares it. When the control plane has been started anew, it has
 * another one, and this fails and is started anew there.
 */
export function tokens(members: readonly Member[], plane: Service, { image }: ComposeSettings): Service {
  const ids = members.map(({ id }) => id).join(" ");
  const script = [
    "set -e",
    `weft wait --control-plane`,
    "while :",
    "do trust=$$(weft cert show --pem)",
    `for id in ${ids}`,
    `do cd ${RUN_DIR}/$$id`,
    `echo "$$trust" > trust-bundle.pem`,
    `token=$$(weft token create --service-account $$id ${TOKEN.join(" ")})`,
    `echo "$$token" > token`,
    "done",
    `sleep ${RENEWAL}`,
    "done",
  ];
  return {
    image,
    entrypoint: ["sh", "-c", script.join("\n")],
    ...inNetworkOf(CONTROL_PLANE, plane),
    volumes: members.map((member) => `${volumeOf(member)}:${RUN_DIR}/${member.id}`),
    user: "0:0",
    ...CONFINED,
    ...HELD,
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

/**
 * The networks that it has, without the names: those lead to it on the mesh's. None where that is the one which it would have without
 * naming it, as `docker compose config` writes it.
 */
export function otherNetworks({ networks }: Service): Readonly<Record<string, unknown>> {
  const given = Array.isArray(networks)
    ? networks.map((name: unknown) => [String(name), {}] as const)
    : Object.entries(isRecord(networks) ? networks : {});
  const others = Object.fromEntries(
    given.map(([name, network]) => {
      const { aliases: _, ...rest } = isRecord(network) ? network : {};
      return [name, rest];
    }),
  );
  return isDeepStrictEqual(others, { default: {} }) ? {} : others;
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
