/** What names of the mesh mean to those who resolve them: the sidecars' DNS proxies ask for them one at a time. */

import type { ResourceType } from "./messages.ts";

/**
 * Named `<service>.<namespace>`; or by an automatic address, and then it says whose that is.
 */
export interface HostResource {
  readonly name: string;
  readonly service: { readonly name: string; readonly namespace: string };
  /** IP literals of both families. */
  readonly addresses: readonly string[];
  /** Ports that have a name. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  /** Of a headless Service: its instances by their own names. */
  readonly instances?: readonly { readonly name: string; readonly address: string }[];
  /** It has no addresses of its own, but means this name. */
  readonly alias?: string;
}

/** Name of the resource about a Service's name. */
export function hostName(service: { readonly name: string; readonly namespace: string }): string {
  return `${service.name}.${service.namespace}`;
}

/** Whether an IPv4 address is one that the control plane gives to Services without: 240.0.0.0/4. */
export function isAutomatic(address: string): boolean {
  return /^(?:24\d|25[0-5])\.\d+\.\d+\.\d+$/.test(address);
}

/** Whether `*` brings it: routes by automatic addresses would be as many again as all others, and few are used. */
export function isAmongAll(type: ResourceType, name: string): boolean {
  return type !== "route" || !isAutomatic(name.slice(0, name.lastIndexOf(":")));
}
