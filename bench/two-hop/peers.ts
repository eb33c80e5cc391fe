/** The pairs that are not Weft: one program twice, each half with the configuration beside this file. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Child, findProgram, PROXY_CPU, start } from "../children.ts";
import { envoyCommand, findEnvoy, missingEnvoy } from "../peers/envoy.ts";
import { haproxyCommand } from "../peers/haproxy.ts";
import { nginxCommand } from "../peers/nginx.ts";
import { fill, freePort, waitForPort } from "../ports.ts";
import { writeCertificates } from "./certificates.ts";
import type { Pair } from "./pair.ts";

interface Program {
  readonly find: () => string | undefined;
  readonly missing?: (fetch: boolean) => string | undefined;
  readonly command: (program: string, config: string, dir: string) => string[];
  /** Templates of the outbound and the inbound half. */
  readonly templates: readonly [string, string];
  readonly marks?: Readonly<Record<string, string>>;
}

function peerPair(name: string, program: Program): Pair {
  const { find, missing, command, templates, marks } = program;
  return {
    name,
    missing: missing ?? (() => (find() === undefined ? `${name} is not on PATH` : undefined)),
    start: async ({ dir, originPort }) => {
      const certificates = join(dir, "certificates");
      writeCertificates(certificates);
      const half = async (template: string, upstream: number): Promise<[Child, number]> => {
        const own = join(dir, template);
        mkdirSync(own);
        const port = await freePort();
        const values = { DIR: own, CERTS: certificates, PORT: port, UPSTREAM: upstream, ...marks };
        const config = fill(join("two-hop", template), own, values);
        const child = start(command(find() ?? name, config, own), PROXY_CPU);
        await waitForPort(port, child);
        return [child, port];
      };
      const [outboundTemplate, inboundTemplate] = templates;
      const [inbound, inboundPort] = await half(inboundTemplate, originPort);
      const [outbound, port] = await half(outboundTemplate, inboundPort);
      const clientFile = join(certificates, "web.json");
      return { outbound, inbound, port, inboundPort, clientFile };
    },
  };
}

const haproxy = {
  find: () => findProgram("haproxy"),
  command: haproxyCommand,
  templates: ["haproxy-outbound.cfg", "haproxy-inbound.cfg"],
} as const;

export const PEER_PAIRS: readonly Pair[] = [
  peerPair("nginx", {
    find: () => findProgram("nginx"),
    command: nginxCommand,
    templates: ["nginx-outbound.conf", "nginx-inbound.conf"],
  }),
  peerPair("haproxy-h1", { ...haproxy, marks: { ALPN: "http/1.1" } }),
  peerPair("haproxy-h2", { ...haproxy, marks: { ALPN: "h2" } }),
  peerPair("envoy-h2", {
    find: findEnvoy,
    missing: missingEnvoy,
    command: envoyCommand,
    templates: ["envoy-outbound.yaml", "envoy-inbound.yaml"],
  }),
];
