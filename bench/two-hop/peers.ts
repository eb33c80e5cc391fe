/** The pairs that are not Weft: one program twice, each half with the configuration beside this file. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Program, startProgram } from "../peers/binary.ts";
import { ENVOY } from "../peers/envoy.ts";
import { HAPROXY } from "../peers/haproxy.ts";
import { NGINX } from "../peers/nginx.ts";
import { writeCertificates } from "./certificates.ts";
import type { Pair } from "./pair.ts";

/** `outbound` and `inbound` are the templates of its halves. */
function peerPair(
  name: string,
  program: Program,
  outbound: string,
  inbound: string,
  marks: Readonly<Record<string, string>> = {},
): Pair {
  return {
    name,
    missing: program.missing,
    start: async ({ dir, originPort }) => {
      const certificates = join(dir, "certificates");
      writeCertificates(certificates);
      const half = (template: string, upstream: number) => {
        const own = join(dir, template);
        mkdirSync(own);
        const values = { CERTS: certificates, UPSTREAM: upstream, ...marks };
        return startProgram(program, join("two-hop", template), own, values);
      };
      const callee = await half(inbound, originPort);
      const caller = await half(outbound, callee.port);
      return {
        outbound: caller.child,
        inbound: callee.child,
        port: caller.port,
        inboundPort: callee.port,
        clientFile: join(certificates, "web.json"),
      };
    },
  };
}

const HAPROXY_HALVES = ["haproxy-outbound.cfg", "haproxy-inbound.cfg"] as const;

export const PEER_PAIRS: readonly Pair[] = [
  peerPair("nginx", NGINX, "nginx-outbound.conf", "nginx-inbound.conf"),
  peerPair("haproxy-h1", HAPROXY, ...HAPROXY_HALVES, { ALPN: "http/1.1" }),
  peerPair("haproxy-h2", HAPROXY, ...HAPROXY_HALVES, { ALPN: "h2" }),
  peerPair("envoy-h2", ENVOY, "envoy-outbound.yaml", "envoy-inbound.yaml"),
];
