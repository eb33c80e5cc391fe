/** Whether a DNS answer can be made of a host resource: what can't be said in a packet is refused before anybody asks. */
import { isIP } from "node:net";
import type { HostResource } from "../../discovery/host.ts";
import type { DiscoveryError } from "../../discovery/messages.ts";

/** Of a name (RFC 1035), in its usual form. */
const MAX_NAME = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i;

/** Why `host` is not usable, or undefined. */
export function checkHost(host: HostResource): DiscoveryError | undefined {
  const { name, service, addresses, instances = [], alias, ports } = host;
  for (const [field, list] of Object.entries({ addresses, instances, ports })) {
    if (!Array.isArray(list)) return invalid(name, field, list, "a list");
  }
  for (const address of [...addresses, ...instances.map((instance) => instance.address)]) {
    if (isIP(address) === 0 || address.includes("%")) return invalid(name, "addresses", address, "addresses");
  }
  for (const label of [service.name, service.namespace, ...instances.map((instance) => instance.name)]) {
    if (!LABEL.test(label)) return invalid(name, "service", label, "labels of a name");
  }
  if (alias !== undefined && !isHostname(alias)) return invalid(name, "alias", alias, "a host name");
  for (const { port } of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) return invalid(name, "ports", port, "ports");
  }
  return undefined;
}

function isHostname(text: string): boolean {
  const name = text.replace(/\.$/, "");
  return name.length <= MAX_NAME && name.split(".").every((label) => LABEL.test(label));
}

function invalid(resource: string, field: string, found: unknown, expected: string): DiscoveryError {
  const message = `expected ${expected}, found ${JSON.stringify(found)}`;
  return { code: "invalid", message, resource, field };
}
