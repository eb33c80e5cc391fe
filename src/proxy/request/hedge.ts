/**
 * Hedging (gRPC's `hedgingPolicy`): when a second try begins beside a first that has not answered, and where. To the budget it is a
 * retry; it never goes to the first one's endpoint.
 */
import type { Hedge } from "../../discovery/resilience.ts";
import type { Exchange } from "./exchange.ts";
import { pickEndpoint } from "./hash-key.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

/** For so many milliseconds the first try is waited for; 0: for ever. */
export function hedgeAfterMs(hedge: Hedge, cluster: UpstreamCluster): number {
  return hedge.kind === "delay" ? hedge.ms : cluster.recent.percentile(hedge.share);
}

/** That time is over: the endpoint of the second try; null: none may begin. */
export function hedgeEndpoint(exchange: Exchange): UpstreamEndpoint | null {
  const { cluster, connection, listener, status, tries } = exchange;
  const { replay, retries } = tries;
  if (cluster === null || status !== 0 || !tries.attempt.isActive) return null;
  if (!connection.isRequestDone || replay.state === "lost" || !cluster.hasRoom(exchange.priority))
    return null;
  if (replay.state === "whole") replay.restore(connection.head);
  if (!retries.isSafe(connection.head) || !retries.mayHedge(cluster, listener.loop.wheel.now())) return null;
  const endpoint = pickEndpoint(exchange, cluster);
  return endpoint === null || retries.tried.includes(endpoint) ? null : endpoint;
}
