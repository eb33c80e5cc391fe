/** The options of `weft run`, each also an environment variable. */
import { isIP } from "node:net";
import { type Command, Option } from "commander";
import { parseRange, type Range } from "../run/subnet.ts";
import { durationSetting } from "./command.ts";
import { integerOption } from "./duration.ts";
import { usageError } from "./exit.ts";

export interface RunFlags {
  readonly service?: string;
  readonly port?: number;
  readonly namespace: string;
  readonly serviceAccount?: string;
  readonly workload?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly controlPlane?: string;
  readonly trustBundle?: string;
  readonly trustDomain?: string;
  readonly joinTokenFile?: string;
  readonly insecure?: boolean;
  readonly address?: string;
  readonly inboundPort: number;
  readonly wait: number;
  readonly sidecarLog?: string;
  readonly quiet?: boolean;
  readonly transparent?: boolean;
  readonly user?: string;
  readonly network: Range;
  readonly ipForward?: boolean;
  readonly dns?: readonly string[];
}

/** For tests of networks (RFC 2544): nobody routes it. */
const DEFAULT_RANGE = "198.18.0.0/15";
const MAX_PORT = 65_535;

/** Adds the options to a command. */
export function addRunOptions(command: Command): Command {
  const option = (flag: string, value: string, about: string) =>
    new Option(`--${flag} ${value}`, about).env(`WEFT_${flag.toUpperCase().replaceAll("-", "_")}`);
  return command
    .addOption(
      option("service", "<name>", "the Service that the command is an instance of; a job's own name"),
    )
    .addOption(
      option("port", "<port>", "where it listens, on loopback; default: nobody calls it").argParser(
        integerOption("--port", 1, MAX_PORT),
      ),
    )
    .addOption(option("namespace", "<name>", "of the Service and of its identity").default("default"))
    .addOption(option("service-account", "<name>", "who it is; default: called like the Service"))
    .addOption(
      option(
        "workload",
        "<name>",
        "what this instance is called; default: the Service's name and five letters",
      ),
    )
    .addOption(option("labels", "<k=v,…>", "its labels, beside app").argParser(labelsOf).default({}, "none"))
    .addOption(
      option(
        "control-plane",
        "<host:port>",
        "where it enrols; default: that of weft up, else 127.0.0.1:15012",
      ),
    )
    .addOption(
      option(
        "trust-bundle",
        "<file>",
        "roots (PEM) that the control plane is verified with; with a token; default: .weft/trust-bundle.pem",
      ),
    )
    .addOption(
      option("trust-domain", "<name>", "of the mesh's identities; with a token; default: cluster.local"),
    )
    .addOption(
      option(
        "join-token-file",
        "<file>",
        "what it enrols with, or the token in WEFT_JOIN_TOKEN; default: one of the control plane's API, on its machine",
      ),
    )
    .addOption(new Option("--insecure", "no TLS and no identity; for a control plane on loopback"))
    .addOption(
      option(
        "address",
        "<ip>",
        "of this machine, where others reach it; default: the one that it reaches the control plane from",
      ).argParser(addressOf),
    )
    .addOption(
      option("inbound-port", "<port>", "where others reach it; 0: a free one")
        .argParser(integerOption("--inbound-port", 0, MAX_PORT))
        .default(0),
    )
    .addOption(durationSetting("--wait", "how long the sidecar may take until it is ready", "10s"))
    .addOption(option("sidecar-log", "<file>", "what the sidecar logs; -: on standard error"))
    .option(
      "--transparent",
      "as root on Linux: in a network namespace of its own, where all of its connections are led through the sidecar",
    )
    .addOption(
      option(
        "user",
        "<user>",
        "with --transparent: whom the command runs as; default: who called sudo, else root",
      ),
    )
    .addOption(
      option("network", "<range>", "with --transparent: its addresses are taken from there")
        .argParser(rangeOf)
        .default(rangeOf(DEFAULT_RANGE), DEFAULT_RANGE),
    )
    .option("--ip-forward", "with --transparent: switch the machine's forwarding on, where it is off")
    .addOption(
      option(
        "dns",
        "<ips>",
        "with --transparent: resolvers for names outside of the mesh; default: the machine's",
      ).argParser(resolversOf),
    )
    .option("-q, --quiet", "say nothing but errors");
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").filter((pair) => pair !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([^=,]+)=([^,]*)$/.exec(pair) ?? [];
      if (name === undefined || value === undefined)
        throw usageError(`--labels: "${pair}" is not NAME=VALUE`, "--labels version=v2,team=shop");
      return [name, value];
    }),
  );
}

function addressOf(text: string): string {
  if (isIP(text) === 0 || text.includes("%")) throw usageError(`--address: "${text}" is no IP address`);
  return text;
}

function rangeOf(text: string): Range {
  const range = parseRange(text);
  if (range === undefined) throw usageError(`--network: "${text}" is no IPv4 range from /8 to /30`);
  return range;
}

function resolversOf(text: string): readonly string[] {
  return text.split(",").map((address) => {
    if (isIP(address) === 4) return address;
    throw usageError(`--dns: "${address}" is no IPv4 address`);
  });
}
