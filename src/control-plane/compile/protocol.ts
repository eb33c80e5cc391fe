/**
 * Which protocol a Service's port speaks: `appProtocol`, else the prefix of the port's name, else HTTP, but for the
 * ports whose servers speak first (those of Linkerd's opaque ports), where a proxy that waited for a request line would
 * hang both sides.
 */
import type { Protocol } from "../../discovery/messages.ts";
import type { ServicePortSpec } from "./inputs.ts";

const SERVER_SPEAKS_FIRST: ReadonlySet<number> = new Set([25, 587, 3306, 4444, 5432, 6379, 9300, 11211]);
const OPAQUE: ReadonlySet<string> = new Set(["tcp", "tls", "https", "mysql", "postgres", "redis", "mongo"]);

/** Protocol of a port of a Service. */
export function protocolOf(port: ServicePortSpec): Protocol {
  if (port.appProtocol !== undefined) {
    return OPAQUE.has(port.appProtocol.toLowerCase()) ? "tcp" : "http1";
  }
  const prefix = port.name?.split("-", 1)[0] ?? "";
  if (OPAQUE.has(prefix)) return "tcp";
  if (prefix === "http" || prefix === "http2" || prefix === "grpc") return "http1";
  return SERVER_SPEAKS_FIRST.has(port.port) ? "tcp" : "http1";
}
