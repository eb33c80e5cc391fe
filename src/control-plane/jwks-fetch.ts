/**
 * Fetches a key set from where a RequestAuthentication says. Who may write resources must not make the control plane ask its own
 * machine or the cloud's metadata service (SSRF): addresses are judged after names are resolved, in the very lookup that the
 * connection uses, and redirects are not followed.
 */
import { lookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { jwksFault } from "../resources/kind/jwks.ts";

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 131_072;

export type Fetched =
  | { readonly kind: "keys"; readonly jwks: string }
  | { readonly kind: "failed"; readonly reason: string };

/** This machine, the link, metadata services of clouds, addresses that a gateway translates, and what is no single host. */
const FORBIDDEN = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["100.100.100.200", 32],
  ["169.254.0.0", 16],
  ["224.0.0.0", 3],
] as const) {
  FORBIDDEN.addSubnet(network, prefix);
}
for (const [network, prefix] of [
  ["::", 127],
  ["64:ff9b::", 96],
  ["fd00:ec2::254", 128],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  FORBIDDEN.addSubnet(network, prefix, "ipv6");
}

/** Whether nothing may be fetched from an IP address. */
export function isForbidden(address: string): boolean {
  const family = isIP(address);
  return family === 0 || FORBIDDEN.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** Never rejects. `allowsLocal`: also from loopback and link-local addresses. */
export async function fetchJwks(uri: string, allowsLocal: boolean): Promise<Fetched> {
  try {
    const text = await get(new URL(uri), allowsLocal);
    const fault = jwksFault(text);
    return fault === undefined ? { kind: "keys", jwks: text } : { kind: "failed", reason: fault };
  } catch (error) {
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

function get(url: URL, allowsLocal: boolean): Promise<string> {
  const { request } = url.protocol === "https:" ? https : http;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!allowsLocal && isIP(host) !== 0 && isForbidden(host)) throw new Error(`${host} is a local address`);
  return new Promise((resolve, reject) => {
    const options = {
      lookup: allowsLocal ? lookup : judgedLookup,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { accept: "application/jwk-set+json, application/json" },
      agent: false as const,
    };
    const asked = request(url, options, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode !== 200) {
        asked.destroy(new Error(`status ${statusCode}`));
        return;
      }
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        chunks.push(chunk);
        if (length > MAX_BYTES) asked.destroy(new Error(`more than ${MAX_BYTES} bytes`));
      });
      response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** Any forbidden address among those of a name makes the name unusable. */
const judgedLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const found = addresses?.find(({ address }) => isForbidden(address));
    if (error !== null || found !== undefined) {
      const refusal = error ?? new Error(`${host} is at ${found?.address}, a local address`);
      callback(refusal, "", 0);
      return;
    }
    if (options.all === true) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  });
};
