/**
 * Which protocol a Service's port speaks: `appProtocol`, else the prefix of the port's name, else HTTP, but for the
 * ports whose servers speak first (those of Linkerd's opaque ports), where a proxy that waited for a request line would
 * hang both sides.
 */
import { type Protocol, SERVER_SPEAKS_FIRST } from "../../discovery/messages.ts";
import type { ServicePortSpec } from "./inputs.ts";

const OPAQUE: ReadonlySet<string> = new Set([
  "tcp",
  "tls",
  "https",
  "mysql",
  "postgres",
  "redis",
  "mongo",
  "kubernetes.io/wss",
]);

const HTTP2: ReadonlySet<string> = new Set(["http2", "grpc", "h2c", "kubernetes.io/h2c"]);
const HTTP: ReadonlySet<string> = new Set(["http", "http2", "grpc"]);

/** Protocol of a port of a Service. */
export function protocolOf(port: ServicePortSpec): Protocol {
  if (port.appProtocol !== undefined) {
    return OPAQUE.has(port.appProtocol.toLowerCase()) ? "tcp" : "http1";
  }
  const prefix = prefixOf(port);
  if (OPAQUE.has(prefix)) return "tcp";
  if (HTTP.has(prefix)) return "http1";
  return SERVER_SPEAKS_FIRST.has(port.port) ? "tcp" : "http1";
}

/**
 * Whether what comes may be other than HTTP/1: the port does not say what it speaks, or it is HTTP/2, which sidecars pass on unread.
 */
export function detects(port: ServicePortSpec): boolean {
  if (port.appProtocol !== undefined) return HTTP2.has(port.appProtocol.toLowerCase());
  const prefix = prefixOf(port);
  return HTTP2.has(prefix) || (!HTTP.has(prefix) && protocolOf(port) === "http1");
}

function prefixOf({ name }: ServicePortSpec): string {
  return name?.split("-", 1)[0] ?? "";
}
