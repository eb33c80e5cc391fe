/**
 * Who answers questions about names for a program in a network namespace of its own: its sidecar, which asks others about names that
 * are not the mesh's; there the host's loopback is not to be reached.
 */
import { readFileSync } from "node:fs";
import { nameservers } from "../intercept/settings.ts";

/** The machine's; and, where that names a resolver on loopback, whom systemd's resolver asks itself. */
const FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] as const;

/** IPv4 addresses of resolvers that can be reached from elsewhere; the namespace has no IPv6. */
export function resolversElsewhere(): readonly string[] {
  for (const file of FILES) {
    const found = nameservers(read(file)).filter(
      (address) => !address.includes(":") && !address.startsWith("127."),
    );
    if (found.length > 0) return found;
  }
  return [];
}

/** The host's settings with another resolver. */
export function resolvConf(server: string): string {
  const others = read(FILES[0])
    .split("\n")
    .filter((line) => /^(?:search|domain|options)\s/.test(line));
  return [`nameserver ${server}`, ...others, ""].join("\n");
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
