/** What of a request makes it belong with others, as a hash; so that they go to the same endpoint. */
import { hashOf } from "../clusters/hash.ts";
import type { HashSource } from "../http/hash-source.ts";
import type { Head } from "../http/head.ts";
import type { Exchange } from "./exchange.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

/** An endpoint for the request; by its hash where the cluster wants that and the request has what is hashed. */
export function pickEndpoint(exchange: Exchange, cluster: UpstreamCluster): UpstreamEndpoint | null {
  const { tried } = exchange.tries.retries;
  const { hash } = cluster;
  return cluster.pick(hash === null ? undefined : hashOfRequest(exchange, hash), tried);
}

/** Undefined: the request does not have what is hashed. */
export function hashOfRequest(exchange: Exchange, key: HashSource): number | undefined {
  const value = hashedOf(exchange, key);
  return value === "" ? undefined : hashOf(value);
}

function hashedOf({ connection, peerAddress }: Exchange, key: HashSource): string {
  const { head } = connection;
  switch (key.kind) {
    case "header": {
      const field = head.findName(key.name);
      return field < 0 ? "" : head.value(field);
    }
    case "cookie":
      return cookieOf(head, key.name);
    case "query": {
      const path = head.path();
      const query = path.indexOf("?");
      return query < 0 ? "" : (new URLSearchParams(path.slice(query + 1)).get(key.name) ?? "");
    }
    case "source":
      return peerAddress.slice(0, peerAddress.lastIndexOf(":"));
  }
}

const COOKIE = Buffer.from("cookie", "latin1");

/** RFC 6265 §4.2. */
function cookieOf(head: Head, name: string): string {
  for (let field = head.findName(COOKIE); field >= 0; field = head.findName(COOKIE, field + 1)) {
    for (const pair of head.value(field).split(";")) {
      const equals = pair.indexOf("=");
      if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
    }
  }
  return "";
}
