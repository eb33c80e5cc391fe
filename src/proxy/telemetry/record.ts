/**
 * The last of the nine verbs: counts a finished exchange under Istio's names and labels. A series is bound to a destination
 * when that appears in the configuration, so recording is an index and a few additions.
 */
import { latencyBucket } from "../../discovery/latency.ts";
import { envoyBucket } from "./histogram.ts";
import type { Block, SlotAllocator } from "./slot-allocator.ts";
import { LATENCY_BLOCK, REQUEST_BLOCK } from "./slots.ts";
import { TcpSeries } from "./tcp-series.ts";

/** Labels that are the same for all exchanges with one destination. */
export interface DestinationLabels {
  readonly reporter: "source" | "destination";
  readonly cluster: string;
  readonly service: string;
  readonly serviceNamespace: string;
  readonly serviceHost: string;
  readonly workload: string;
  readonly workloadNamespace: string;
  readonly principal: string;
  readonly app: string;
  readonly version: string;
}

/** The same for the other end. */
export interface PeerLabels {
  readonly workload: string;
  readonly namespace: string;
  readonly principal: string;
  readonly app: string;
  readonly version: string;
  /** The principal is proven by the connection. */
  readonly isMutualTls?: true;
}

export const UNKNOWN_PEER: PeerLabels = {
  workload: "unknown",
  namespace: "unknown",
  principal: "unknown",
  app: "unknown",
  version: "unknown",
};

const NO_FLAG = "-";

export class DestinationSeries {
  readonly #allocator: SlotAllocator;
  readonly #labels: DestinationLabels;
  readonly #source: PeerLabels;
  /** Without a flag, by status from 0 to 599: nearly every exchange. */
  readonly #byStatus: (Block | undefined)[] = [];
  readonly #flagged = new Map<string, Block>();
  readonly #latency: Block;
  readonly #bySource = new Map<PeerLabels, DestinationSeries>();
  #tcp: TcpSeries | null = null;

  constructor(
    allocator: SlotAllocator,
    labels: DestinationLabels,
    source: PeerLabels,
    latency = allocateLatency(allocator, labels),
  ) {
    this.#allocator = allocator;
    this.#labels = labels;
    this.#source = source;
    this.#latency = latency;
  }

  /** The same destination for one caller; what load reports say of it stays one. */
  from(source: PeerLabels): DestinationSeries {
    let series = this.#bySource.get(source);
    if (series === undefined) {
      series = new DestinationSeries(this.#allocator, this.#labels, source, this.#latency);
      this.#bySource.set(source, series);
    }
    return series;
  }

  /** What is tunnelled to it. */
  get tcp(): TcpSeries {
    this.#tcp ??= new TcpSeries(this.#allocator, (flag) => tcpLabels(this.#labels, this.#source, flag));
    return this.#tcp;
  }

  started(): void {
    this.#latency.page[this.#latency.offset + LATENCY_BLOCK.active]!++;
  }

  /** One of the destination's endpoints is left out from now on, or no longer. */
  leftOut(by: 1 | -1): void {
    this.#latency.page[this.#latency.offset + LATENCY_BLOCK.unhealthy]! += by;
  }

  /** The exchange goes on elsewhere. */
  left(): void {
    this.#latency.page[this.#latency.offset + LATENCY_BLOCK.active]!--;
  }

  /** `status` 0 when no response was sent. Durations in milliseconds, sizes in bytes. */
  finished(
    status: number,
    flag: string,
    durationMs: number,
    requestBytes: number,
    responseBytes: number,
  ): void {
    const { page, offset } = flag === NO_FLAG ? this.#plain(status) : this.#withFlag(status, flag);
    page[offset + REQUEST_BLOCK.count]!++;
    page[offset + REQUEST_BLOCK.durationSum]! += durationMs;
    page[offset + REQUEST_BLOCK.durationBuckets + envoyBucket(durationMs)]!++;
    page[offset + REQUEST_BLOCK.requestBytesSum]! += requestBytes;
    page[offset + REQUEST_BLOCK.requestBytesBuckets + envoyBucket(requestBytes)]!++;
    page[offset + REQUEST_BLOCK.responseBytesSum]! += responseBytes;
    page[offset + REQUEST_BLOCK.responseBytesBuckets + envoyBucket(responseBytes)]!++;

    const load = this.#latency;
    const at = load.offset;
    load.page[at + LATENCY_BLOCK.active]!--;
    load.page[at + LATENCY_BLOCK.requests]!++;
    if (status >= 500 || status === 0) load.page[at + LATENCY_BLOCK.failures]!++;
    load.page[at + LATENCY_BLOCK.buckets + latencyBucket(durationMs * 1_000)]!++;
  }

  #plain(status: number): Block {
    let block = this.#byStatus[status];
    if (block === undefined) {
      block = this.#allocate(status, NO_FLAG);
      this.#byStatus[status] = block;
    }
    return block;
  }

  #withFlag(status: number, flag: string): Block {
    const key = `${status} ${flag}`;
    let block = this.#flagged.get(key);
    if (block === undefined) {
      block = this.#allocate(status, flag);
      this.#flagged.set(key, block);
    }
    return block;
  }

  #allocate(status: number, flag: string): Block {
    return this.#allocator.allocate(
      "request",
      "requests",
      requestLabels(this.#labels, this.#source, status, flag),
    );
  }
}

function allocateLatency(allocator: SlotAllocator, labels: DestinationLabels): Block {
  return allocator.allocate("latency", "destination", {
    reporter: labels.reporter,
    cluster: labels.cluster,
    service: labels.service,
    service_namespace: labels.serviceNamespace,
    workload: labels.workload,
    version: labels.version,
  });
}

function requestLabels(
  to: DestinationLabels,
  from: PeerLabels,
  status: number,
  flag: string,
): Readonly<Record<string, string>> {
  return {
    ...endLabels(to, from),
    request_protocol: "http",
    response_code: String(status),
    grpc_response_status: "",
    response_flags: flag,
    connection_security_policy: securityPolicy(to, from),
  };
}

function tcpLabels(to: DestinationLabels, from: PeerLabels, flag: string): Readonly<Record<string, string>> {
  return {
    ...endLabels(to, from),
    request_protocol: "tcp",
    response_flags: flag,
    connection_security_policy: securityPolicy(to, from),
  };
}

/** Of both ends. */
function endLabels(to: DestinationLabels, from: PeerLabels): Readonly<Record<string, string>> {
  return {
    reporter: to.reporter,
    source_workload: from.workload,
    source_workload_namespace: from.namespace,
    source_principal: from.principal,
    source_app: from.app,
    source_version: from.version,
    destination_workload: to.workload,
    destination_workload_namespace: to.workloadNamespace,
    destination_principal: to.principal,
    destination_app: to.app,
    destination_version: to.version,
    destination_service: to.serviceHost,
    destination_service_name: to.service,
    destination_service_namespace: to.serviceNamespace,
  };
}

/** As Istio has it: only the called side knows. */
function securityPolicy(to: DestinationLabels, from: PeerLabels): string {
  if (to.reporter === "source") return "unknown";
  return from.isMutualTls === true ? "mutual_tls" : "none";
}
