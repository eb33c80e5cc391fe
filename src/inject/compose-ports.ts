/** The ports of a compose service: those it publishes, and those it only exposes (compose-spec, "ports" and "expose"). */
import { isRecord } from "./shape.ts";

export interface Ports {
  /** TCP ports of the container, ascending. */
  readonly ports: readonly number[];
  /** Of those, the ones that are published on the machine. */
  readonly published: readonly number[];
  /** Entries that name no port, such as a variable. */
  readonly unread: readonly string[];
}

/** Longest range that is taken for single ports. */
const MAX_RANGE = 64;

export function readPorts(service: Readonly<Record<string, unknown>>): Ports {
  const unread: string[] = [];
  const take = (field: string): number[] => {
    const entries: unknown = service[field];
    if (!Array.isArray(entries)) return [];
    return entries.flatMap((entry: unknown) => {
      const ports = portsOf(entry);
      if (ports === undefined) unread.push(`${field}: ${JSON.stringify(entry)}`);
      return ports ?? [];
    });
  };
  const published = take("ports");
  const all = new Set([...published, ...take("expose")]);
  return { ports: ascending(all), published: ascending(new Set(published)), unread };
}

/** The container's ports; none for what is not TCP; undefined where they can't be told. */
function portsOf(entry: unknown): readonly number[] | undefined {
  if (isRecord(entry)) {
    return entry["protocol"] === "udp" ? [] : portsOf(String(entry["target"]));
  }
  // A variable may have a colon of its own.
  const text = String(entry).replaceAll(/\$\{[^}]*\}/g, "$");
  const [range = "", protocol = "tcp"] = text.slice(text.lastIndexOf(":") + 1).split("/");
  if (protocol !== "tcp") return [];
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? first);
  if (first < 1 || last > 65_535 || last < first || last - first >= MAX_RANGE) return undefined;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function ascending(ports: ReadonlySet<number>): number[] {
  return [...ports].sort((a, b) => a - b);
}
