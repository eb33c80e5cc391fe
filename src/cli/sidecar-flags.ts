/**
 * The flags of `weft sidecar`, each also an environment variable (`--admin-port` is `WEFT_ADMIN_PORT`; the flag wins).
 * One table gives the parser, the check and the help. Node's own parser reads them: commander would cost every sidecar
 * 1.4 MB of anonymous memory for its whole life.
 */
import { parseArgs } from "node:util";
import { readAppProbes } from "../proxy/admin/app-probe-table.ts";
import { parseDuration } from "./duration.ts";
import { parseEndpoint } from "./endpoint.ts";
import { usageError } from "./exit.ts";
import { parseResolvers } from "./resolvers.ts";

interface FlagSpec {
  /** Placeholder for the value in the help. */
  readonly value: string;
  readonly about: string;
  readonly fallback?: string;
  /** It takes no value; in the environment, `true`. */
  readonly isSwitch?: true;
  /** Says what a good value is, if this one is not. */
  readonly problem?: (value: string) => string | undefined;
}

/** Far below what a timer holds (2^31 ms). */
const MAX_DURATION_MS = 86_400_000;

const port: Pick<FlagSpec, "value" | "problem"> = { value: "PORT", problem: wholeNumber(0, 65_535) };
const duration: Pick<FlagSpec, "value" | "problem"> = {
  value: "TIME",
  problem: (value) =>
    (parseDuration(value) ?? Number.POSITIVE_INFINITY) > MAX_DURATION_MS
      ? "a duration such as 500ms, 5s or 1m30s, 24h at most"
      : undefined,
};

export const FLAGS = {
  "control-plane": { value: "HOST:PORT", about: "stream configuration from there", problem: hostAndPort },
  "trust-bundle": { value: "FILE", about: "roots (PEM) that the control plane is verified with" },
  "join-token-file": { value: "FILE", about: "what it enrols with; or the token itself in WEFT_JOIN_TOKEN" },
  "kubernetes-token-file": {
    value: "FILE",
    about: "what it enrols with in a cluster: a service account token for the audience weft",
  },
  "trust-domain": { value: "NAME", about: "of the mesh's identities", fallback: "cluster.local" },
  insecure: { value: "", isSwitch: true, about: "no TLS to the control plane, and no identity" },
  config: { value: "DIR", about: "take configuration from files, without a control plane" },
  workload: { value: "NS/NAME", about: "the Workload this sidecar belongs to", problem: namespacedName },
  service: { value: "NAME", about: "the Service whose traffic it takes, as NAME or NS/NAME", problem: name },
  "service-account": { value: "NAME", about: "what it proves itself with", fallback: "default" },
  labels: { value: "K=V,…", about: "the workload's labels", fallback: "", problem: labelList },
  "app-port": { ...port, about: "where the application listens" },
  "app-probes": {
    value: "JSON",
    about: "the kubelet's probes, by their paths on the telemetry port; weft inject writes it",
    problem: probes,
  },
  "app-metrics": {
    value: "URL",
    about: "the application's own /metrics, shown below the sidecar's",
    problem: url,
  },
  host: { value: "ADDRESS", about: "where listeners are opened, admin excepted", fallback: "127.0.0.1" },
  "inbound-host": { value: "ADDRESS", about: "where others' requests are taken, if not at --host" },
  register: {
    value: "",
    isSwitch: true,
    about: "be an instance of --service, at --inbound-host, though no Workload says so; needs --app-port",
  },
  advertise: {
    value: "ADDRESS:PORT",
    about: "with --register: where others reach it, if not at --inbound-host",
    problem: addressAndPort,
  },
  transparent: {
    value: "",
    isSwitch: true,
    about: "take what weft init redirects, on all addresses; --host is not asked",
  },
  "outbound-port": {
    ...port,
    about: "the application's requests to others; 0 is any free port",
    fallback: "15001",
  },
  "inbound-port": { ...port, about: "others' requests to the application", fallback: "15006" },
  "admin-port": { ...port, about: "admin, on loopback alone", fallback: "15000" },
  "telemetry-port": { ...port, about: "/metrics and /healthz", fallback: "15020" },
  "dns-port": {
    ...port,
    about:
      "answer questions about names there, on loopback alone; weft init --redirect-dns leads them to 15053",
  },
  "dns-servers": {
    value: "ADDRESS,…",
    about:
      "resolvers for names of others, as ADDRESS, ADDRESS:PORT or [IPv6]:PORT (default those of /etc/resolv.conf)",
    problem: resolvers,
  },
  concurrency: {
    value: "N",
    about: "traffic loops, each a thread",
    fallback: "1",
    problem: wholeNumber(1, 64),
  },
  "outbound-scope": {
    value: "SCOPE",
    about: "lazy: learn of a service at its first request; all: of every service at the start",
    fallback: "lazy",
    problem: (value) => (value === "lazy" || value === "all" ? undefined : "lazy or all"),
  },
  "log-level": {
    value: "LEVEL",
    about: "least that is logged: info (what policy refused, health checks), warn or error",
    fallback: "info",
    problem: (value) => (/^(?:info|warn|error)$/.test(value) ? undefined : "info, warn or error"),
  },
  "state-dir": {
    value: "DIR",
    about: "keep the last good configuration there, to start without control plane",
  },
  "drain-grace": {
    ...duration,
    about: "after SIGTERM, new connections are served this long",
    fallback: "5s",
  },
  "drain-timeout": { ...duration, about: "after SIGTERM, exit at the latest", fallback: "45s" },
  "exit-with-pid": {
    value: "PID",
    about: "drain and exit when this process ends",
    problem: wholeNumber(1, 4_194_304),
  },
  "announce-fd": {
    value: "FD",
    about: "write the line with the chosen ports there instead of stdout",
    fallback: "1",
    problem: wholeNumber(1, 1_023),
  },
} as const satisfies Record<string, FlagSpec>;

export type FlagName = keyof typeof FLAGS;
type Defaulted = {
  [N in FlagName]: (typeof FLAGS)[N] extends { readonly fallback: string } ? N : never;
}[FlagName];

export interface Flags {
  /** The flag's value, else the environment's, else the default; checked. */
  get<N extends FlagName>(name: N): N extends Defaulted ? string : string | undefined;
  readonly isHelp: boolean;
}

/** Reads and checks all flags. Throws a usage error that names every problem. */
export function readFlags(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Flags {
  const given = parse(argv);
  const values = new Map<FlagName, string>();
  const problems: string[] = [];
  for (const [name, spec] of entries()) {
    const variable = variableOf(name);
    const [found, from] = given[name] !== undefined ? [given[name], `--${name}`] : [env[variable], variable];
    const value = found === true ? "true" : found;
    if (typeof value === "string" && (value !== "" || name === "labels")) {
      values.set(name, value);
      const wanted = spec.isSwitch === true ? switchProblem(value) : spec.problem?.(value);
      if (wanted !== undefined) problems.push(`${from}: "${value}" is not ${wanted}`);
    } else if (spec.fallback !== undefined) values.set(name, spec.fallback);
  }
  const [first, ...rest] = problems;
  if (first !== undefined) throw usageError(first, ...rest);
  const get = (name: FlagName): string | undefined => values.get(name);
  return { get: get as Flags["get"], isHelp: given["help"] === true };
}

/** The help's list of flags. */
export function describeFlags(): string {
  const rows = entries().map(([name, spec]) => {
    const fallback = spec.fallback === undefined || spec.fallback === "" ? "" : ` (default ${spec.fallback})`;
    return [`--${name} ${spec.value}`.trim(), `${spec.about}${fallback}`] as const;
  });
  const widest = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(widest)}  ${right}`).join("\n");
}

export function variableOf(name: FlagName): string {
  return `WEFT_${name.toUpperCase().replaceAll("-", "_")}`;
}

function entries(): [FlagName, FlagSpec][] {
  return Object.entries(FLAGS) as [FlagName, FlagSpec][];
}

function parse(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(
    entries().map(([name, { isSwitch }]) => [
      name,
      { type: isSwitch ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  try {
    const help = { type: "boolean", short: "h" } as const;
    const { values } = parseArgs({ args: [...argv], options: { ...options, help }, strict: true });
    return values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw usageError(message, "weft sidecar --help lists the flags");
  }
}

function switchProblem(value: string): string | undefined {
  return value === "true" ? undefined : "true";
}

function wholeNumber(min: number, max: number): (value: string) => string | undefined {
  return (value) => {
    const isGood = /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max;
    return isGood ? undefined : `a whole number from ${min} to ${max}`;
  };
}

function hostAndPort(value: string): string | undefined {
  return /^(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/.test(value) ? undefined : "HOST:PORT";
}

function resolvers(value: string): string | undefined {
  return parseResolvers(value) === undefined ? "a list of addresses, with or without a port" : undefined;
}

function probes(value: string): string | undefined {
  const found = readAppProbes(value);
  return typeof found === "string" ? found : undefined;
}

function url(value: string): string | undefined {
  return /^https?:$/.test(URL.parse(value)?.protocol ?? "") ? undefined : "an http or https URL";
}

function namespacedName(value: string): string | undefined {
  return /^[a-z0-9-]+\/[a-z0-9.-]+$/.test(value) ? undefined : "NAMESPACE/NAME";
}

function name(value: string): string | undefined {
  return /^(?:[a-z0-9-]+\/)?[a-z0-9.-]+$/.test(value) ? undefined : "NAME or NAMESPACE/NAME";
}

function labelList(value: string): string | undefined {
  return value === "" || value.split(",").every((pair) => /^[^=]+=[^=]*$/.test(pair))
    ? undefined
    : "a list such as app=web,version=v1";
}

function addressAndPort(value: string): string | undefined {
  return parseEndpoint(value) === undefined ? "ADDRESS:PORT, such as 10.0.0.7:15006" : undefined;
}
