/** One instance of a cluster: where it is, what it carries, its idle connections and the series it counts in. */
import type { EndpointResource } from "../../discovery/messages.ts";
import type { DestinationSeries } from "../telemetry/record.ts";
import { Pool, type PooledConnection } from "./pool.ts";

export class Endpoint<C extends PooledConnection> {
  readonly address: string;
  readonly port: number;
  readonly pool = new Pool<C>();
  readonly series: DestinationSeries;
  weight: number;
  /** Requests in flight. */
  active = 0;
  /** No longer in the configuration: finishes what it has, takes nothing new. */
  isRemoved = false;

  constructor(resource: EndpointResource, series: DestinationSeries) {
    this.address = resource.address;
    this.port = resource.port;
    this.weight = resource.weight;
    this.series = series;
  }
}

/** Same instance: an endpoint that keeps this key keeps its connections over an update. */
export function endpointKey(resource: EndpointResource): string {
  return `${resource.address} ${resource.port} ${resource.namespace} ${resource.workload} ${resource.app} ${resource.version} ${resource.serviceAccount}`;
}
