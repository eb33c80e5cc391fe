/**
 * What a name that is asked for can mean, before anybody is asked. Kubernetes' forms: `svc` in the workload's own namespace, `svc.ns`,
 * `svc.ns.svc`, `svc.ns.svc.<cluster domain>`, the last two also with the name of an instance or with `_port._protocol` before them. A
 * resolver with a search list tries its suffixes one after the other, also on whole names; what comes of that is known to be nothing.
 */
import { isAutomatic } from "../../discovery/host.ts";

export type Meaning =
  /** A name that the mesh may have: `host` is that of the resource about it. */
  | {
      readonly kind: "host";
      readonly host: string;
      /** Its form is the cluster's, or it has no dots: another answer than the mesh's would be a wrong one. */
      readonly isOurs: boolean;
      /** One instance of it. */
      readonly instance?: string;
      readonly service?: PortName;
    }
  /** Whose this automatic address is. */
  | { readonly kind: "owner"; readonly host: string }
  /** A name that can't be. */
  | { readonly kind: "nothing" }
  /** A name of others. */
  | { readonly kind: "other" };

export interface PortName {
  readonly port: string;
  readonly protocol: string;
}

export const OTHER: Meaning = { kind: "other" };
const NOTHING: Meaning = { kind: "nothing" };
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const REVERSE = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/;

/** `name`: without a dot at the end. `domain`: of the cluster, in lower case. */
export function meaningOf(name: string, namespace: string, domain: string): Meaning {
  const text = name.toLowerCase();
  const reverse = REVERSE.exec(text);
  if (reverse !== null) {
    const address = reverse.slice(1).reverse().join(".");
    return isAutomatic(address) ? { kind: "owner", host: address } : OTHER;
  }
  const zone = `.svc.${domain}`;
  if (text.endsWith(`.${domain}${zone}`) || text.endsWith(`.${domain}.${domain}`)) return NOTHING;
  if (text.endsWith(zone)) {
    const labels = text.slice(0, -zone.length).split(".");
    // A namespace alone: the cluster's own DNS knows whether it is there.
    return labels.length === 1 ? OTHER : (hostOf(labels, true) ?? NOTHING);
  }
  if (text === domain) return OTHER;
  const labels = text.split(".");
  if (labels.at(-1) === "svc" && labels.length > 2) return hostOf(labels.slice(0, -1), true) ?? OTHER;
  const { labels: plain } = portOf(labels);
  if (plain.length > 2) return OTHER;
  const isBare = plain.length === 1;
  return hostOf(isBare ? [...labels, namespace] : labels, isBare) ?? OTHER;
}

/** `[_port, _protocol,] [instance,] service, namespace`. */
function hostOf(labels: readonly string[], isOurs: boolean): Meaning | undefined {
  const { labels: plain, service } = portOf(labels);
  if (plain.length < 2 || plain.length > 3 || !plain.every((label) => LABEL.test(label))) return undefined;
  const [name, namespace] = plain.slice(-2);
  const instance = plain.length === 3 ? plain[0] : undefined;
  return {
    ...{ kind: "host", host: `${name}.${namespace}`, isOurs },
    ...(instance !== undefined && { instance }),
    ...(service && { service }),
  };
}

function portOf(labels: readonly string[]): { labels: readonly string[]; service?: PortName } {
  const [port = "", protocol = "", ...rest] = labels;
  if (!port.startsWith("_") || !protocol.startsWith("_")) return { labels };
  return { labels: rest, service: { port: port.slice(1), protocol: protocol.slice(1) } };
}
