/**
 * Who may talk to the admin listener: a person or a tool on this machine, directly. It listens on loopback alone, but
 * applications and browsers on the same machine can be made to call it: by a name that resolves to 127.0.0.1 (DNS
 * rebinding), by a form or script on a web page, or through a proxy, ours included (Linkerd's CVE-2024-40632).
 */
import { isIP } from "node:net";
import type { IncomingMessage } from "./node-http.ts";

export interface Refusal {
  readonly status: 403 | 405;
  readonly reason: string;
}

const PROXY_FIELDS = ["via", "forwarded"] as const;
const PROXY_PREFIXES = ["x-weft-", "x-forwarded-", "x-envoy-"] as const;

/** Why a request is not for the admin listener; undefined when it is. */
export function refusal({ headers }: Pick<IncomingMessage, "headers">): Refusal | undefined {
  if (!isLocalAuthority(headers.host)) {
    return { status: 403, reason: "the Host must be an IP address or localhost" };
  }
  for (const name of Object.keys(headers)) {
    if (
      PROXY_FIELDS.some((field) => field === name) ||
      PROXY_PREFIXES.some((prefix) => name.startsWith(prefix))
    ) {
      return { status: 403, reason: `a request that came through a proxy (${name}) is refused` };
    }
  }
  const { origin } = headers;
  if (origin !== undefined && !isLocalOrigin(origin)) {
    return { status: 403, reason: "a request from a web page is refused" };
  }
  return undefined;
}

/** Whether the value of a Host header is an IP literal or `localhost`, with or without a port. */
export function isLocalAuthority(authority: string | undefined): boolean {
  if (authority === undefined) return false;
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(authority)?.[1];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const host = /^([^:]+)(?::\d{1,5})?$/.exec(authority)?.[1];
  return host !== undefined && (isIP(host) === 4 || host.toLowerCase() === "localhost");
}

function isLocalOrigin(origin: string): boolean {
  const authority = /^https?:\/\/(.+)$/.exec(origin)?.[1];
  return isLocalAuthority(authority);
}
