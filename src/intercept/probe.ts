/**
 * Whether connections really go where the rules say: one that must be redirected is made, to an address where nobody listens. Being
 * taken there proves it (as Istio's istio-validation). Outbound as whoever runs this; inbound as the sidecar's user calling its own
 * machine, which is the one way into the inbound chain that needs no second machine.
 */
import net from "node:net";
import { networkInterfaces } from "node:os";
import { reach } from "./reach.ts";
import type { Family, PortRange, Settings } from "./settings.ts";

/** Nobody listens there (Istio's port for the same). */
const PROBE_PORT = 15_002;
/** Addresses for documentation, which nobody has (RFC 5737, RFC 3849). */
const ELSEWHERE: Readonly<Record<Family, string>> = { ipv4: "192.0.2.1", ipv6: "2001:db8::1" };
const LOOPBACK: Readonly<Record<Family, string>> = { ipv4: "127.0.0.1", ipv6: "::1" };
const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: "IPv4", ipv6: "IPv6" };

export interface ProbeResult {
  readonly family: Family;
  readonly direction: "outbound" | "inbound";
  readonly verdict: "redirected" | "not redirected" | "not tried";
  /** Why, where it was not redirected. */
  readonly reason: string;
}

interface Target {
  readonly address: string;
  readonly port: number;
}

/** Tries both directions of each family, one after the other. */
export async function probe(
  settings: Settings,
  families: readonly Family[],
): Promise<readonly ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const family of families) {
    const outbound = await tryTarget(outboundTarget(settings, family), settings.outboundPort, family);
    results.push({ family, direction: "outbound", ...outbound });
    const inbound = await asSidecar(settings, () =>
      tryTarget(inboundTarget(settings, family), settings.inboundPort, family),
    );
    results.push({ family, direction: "inbound", ...inbound });
  }
  return results;
}

type Verdict = Pick<ProbeResult, "verdict" | "reason">;

const notTried = (reason: string): Verdict => ({ verdict: "not tried", reason });

/** A string says why there is none. */
function outboundTarget(settings: Settings, family: Family): Target | string {
  const { includeOutboundRanges: ranges, excludeOutboundPorts } = settings;
  const ids = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0] as const;
  const leavesUsAlone =
    [...settings.proxyUids, ...settings.excludeOutboundUids].includes(ids[0]) ||
    [...settings.proxyGids, ...settings.excludeOutboundGids].includes(ids[1]);
  if (leavesUsAlone) return "connections of this user are not redirected";
  const address =
    ranges === "*" ? ELSEWHERE[family] : ranges.find((range) => range.family === family)?.cidr.split("/")[0];
  if (address === undefined) return `no range of ${FAMILY_NAMES[family]} is redirected`;
  const port = freePort("*", excludeOutboundPorts);
  return port === undefined ? "no port is redirected" : { address, port };
}

function inboundTarget(settings: Settings, family: Family): Target | string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = addresses.find(
    ({ internal, family: name, address }) =>
      !internal && name === FAMILY_NAMES[family] && !address.startsWith("fe80:"),
  );
  if (own === undefined) return `this machine has no ${FAMILY_NAMES[family]} address of its own`;
  const port = freePort(settings.includeInboundPorts, [
    ...settings.excludeInboundPorts,
    ...settings.excludeOutboundPorts,
  ]);
  return port === undefined ? "no port is redirected" : { address: own.address, port };
}

function freePort(include: "*" | readonly PortRange[], exclude: readonly PortRange[]): number | undefined {
  const holds = (ranges: readonly PortRange[], port: number) =>
    ranges.some(({ first, last }) => port >= first && port <= last);
  const wished = include === "*" ? [] : include.map(({ first }) => first);
  return [PROBE_PORT, PROBE_PORT + 1, ...wished].find(
    (port) => (include === "*" || holds(include, port)) && !holds(exclude, port),
  );
}

/** A socket belongs to the user that was in force when it was made. */
async function asSidecar(settings: Settings, act: () => Promise<Verdict>): Promise<Verdict> {
  const [uid] = settings.proxyUids;
  const [gid] = settings.proxyGids;
  const { geteuid, getegid, seteuid, setegid } = process;
  if (geteuid === undefined || getegid === undefined || seteuid === undefined || setegid === undefined)
    return notTried("this system has no users");
  const [ownUid, ownGid] = [geteuid(), getegid()];
  try {
    if (gid !== undefined) setegid(gid);
    if (uid !== undefined) seteuid(uid);
    return await act();
  } catch (error) {
    return notTried(
      `cannot act as the sidecar's user: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    if (uid !== undefined) seteuid(ownUid);
    if (gid !== undefined) setegid(ownGid);
  }
}

/** `listenPort`: where the connection must come; where a sidecar listens already, that it is taken at all has to do. */
async function tryTarget(target: Target | string, listenPort: number, family: Family): Promise<Verdict> {
  if (typeof target === "string") return notTried(target);
  let arrived = 0;
  const server = net.createServer((socket) => {
    arrived++;
    socket.destroy();
  });
  const isOurs = await listen(server, LOOPBACK[family], listenPort);
  try {
    const code = await reach(target);
    if (code === "ENETUNREACH" || code === "EHOSTUNREACH" || code === "EADDRNOTAVAIL")
      return notTried(`no route to ${target.address}`);
    if (code !== undefined)
      return { verdict: "not redirected", reason: `connection to ${show(target)}: ${code}` };
    if (isOurs && arrived === 0)
      return { verdict: "not redirected", reason: `somebody else answers at ${show(target)}` };
    return { verdict: "redirected", reason: "" };
  } finally {
    server.close();
  }
}

/** False where somebody listens already. */
function listen(server: net.Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ host, port }, () => resolve(true));
  });
}

function show({ address, port }: Target): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
