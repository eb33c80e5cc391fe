/** The options of `weft init` that say what is intercepted, each also an environment variable (`--proxy-uid` is `WEFT_PROXY_UID`). */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import {
  allOr,
  nameservers,
  parseIds,
  parsePorts,
  parseRanges,
  parseServers,
  type Settings,
} from "../intercept/settings.ts";
import { usageError } from "./exit.ts";
import type { Io } from "./io.ts";

const RESOLV_CONF = "/etc/resolv.conf";

interface Row {
  readonly flag: `--${string}`;
  readonly value: string;
  readonly about: string;
  readonly fallback: string;
}

const ROWS = {
  outboundPort: {
    flag: "--outbound-port",
    value: "<port>",
    about: "where the sidecar takes what the application sends",
    fallback: "15001",
  },
  inboundPort: {
    flag: "--inbound-port",
    value: "<port>",
    about: "where it takes what others send",
    fallback: "15006",
  },
  telemetryPort: {
    flag: "--telemetry-port",
    value: "<port>",
    about: "its metrics and health, never intercepted",
    fallback: "15020",
  },
  proxyUid: {
    flag: "--proxy-uid",
    value: "<ids>",
    about: "users whose traffic is the sidecar's own",
    fallback: "1337",
  },
  proxyGid: {
    flag: "--proxy-gid",
    value: "<ids>",
    about: "groups whose traffic is the sidecar's own",
    fallback: "1337",
  },
  includeInboundPorts: {
    flag: "--include-inbound-ports",
    value: "<ports>",
    about: "the application's ports that are intercepted: *, or a list",
    fallback: "*",
  },
  excludeInboundPorts: {
    flag: "--exclude-inbound-ports",
    value: "<ports>",
    about: "those that are not",
    fallback: "",
  },
  includeOutboundIpRanges: {
    flag: "--include-outbound-ip-ranges",
    value: "<ranges>",
    about: "connections to there are intercepted: *, or a list of CIDRs",
    fallback: "*",
  },
  excludeOutboundIpRanges: {
    flag: "--exclude-outbound-ip-ranges",
    value: "<ranges>",
    about: "connections to there are not",
    fallback: "",
  },
  includeOutboundPorts: {
    flag: "--include-outbound-ports",
    value: "<ports>",
    about: "intercepted outside of those ranges too",
    fallback: "",
  },
  excludeOutboundPorts: {
    flag: "--exclude-outbound-ports",
    value: "<ports>",
    about: "never intercepted",
    fallback: "",
  },
  excludeOutboundUids: {
    flag: "--exclude-outbound-uids",
    value: "<ids>",
    about: "users whose connections are left alone",
    fallback: "",
  },
  excludeOutboundGids: {
    flag: "--exclude-outbound-gids",
    value: "<ids>",
    about: "groups whose connections are left alone",
    fallback: "",
  },
  dnsPort: {
    flag: "--dns-port",
    value: "<port>",
    about: "with --redirect-dns: where the sidecar answers",
    fallback: "15053",
  },
  dnsServers: {
    flag: "--dns-servers",
    value: "<addresses>",
    about: "with --redirect-dns: whose questions it gets; default: those of /etc/resolv.conf",
    fallback: "",
  },
} as const satisfies Record<string, Row>;

type Name = keyof typeof ROWS;

/** Adds the options to a command. */
export function addSettings(command: Command, { env }: Pick<Io, "env">): void {
  for (const { flag, value, about, fallback } of Object.values<Row>(ROWS)) {
    const given = env[variableOf(flag)] ?? fallback;
    const option = new Option(`${flag} ${value}`, about);
    command.addOption(given === "" ? option.default("", "none") : option.default(given));
  }
  const redirectsDns = env[variableOf("--redirect-dns")] === "true";
  command.option("--redirect-dns", "questions about names go to the sidecar", redirectsDns);
}

/** Throws a usage error that names the option. */
export function settingsOf(
  options: Readonly<Record<Name, string>> & { readonly redirectDns: boolean },
): Settings {
  const read = <T>(name: Name, parse: (text: string) => T): T => {
    try {
      return parse(options[name]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw usageError(`${ROWS[name].flag}: ${error.message}`);
    }
  };
  const servers = read("dnsServers", parseServers);
  return {
    outboundPort: read("outboundPort", onePort),
    inboundPort: read("inboundPort", onePort),
    proxyUids: read("proxyUid", parseIds),
    proxyGids: read("proxyGid", parseIds),
    includeInboundPorts: read("includeInboundPorts", allOr(parsePorts)),
    excludeInboundPorts: [...read("telemetryPort", parsePorts), ...read("excludeInboundPorts", parsePorts)],
    includeOutboundPorts: read("includeOutboundPorts", parsePorts),
    excludeOutboundPorts: read("excludeOutboundPorts", parsePorts),
    includeOutboundRanges: read("includeOutboundIpRanges", allOr(parseRanges)),
    excludeOutboundRanges: read("excludeOutboundIpRanges", parseRanges),
    excludeOutboundUids: read("excludeOutboundUids", parseIds),
    excludeOutboundGids: read("excludeOutboundGids", parseIds),
    dns: options.redirectDns
      ? { port: read("dnsPort", onePort), servers: servers.length > 0 ? servers : ownServers() }
      : null,
  };
}

function onePort(text: string): number {
  const [range, more] = parsePorts(text);
  if (range === undefined || more !== undefined || range.first !== range.last)
    throw new RangeError(`"${text}" is not a port from 1 to 65535`);
  return range.first;
}

function ownServers(): readonly string[] {
  const servers = nameservers(readFileSync(RESOLV_CONF, "utf8"));
  if (servers.length === 0) throw usageError(`${RESOLV_CONF} names no resolver`, "--dns-servers ADDRESS,…");
  return servers;
}

function variableOf(flag: string): string {
  return `WEFT_${flag.slice(2).toUpperCase().replaceAll("-", "_")}`;
}
