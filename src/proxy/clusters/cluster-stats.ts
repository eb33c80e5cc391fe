/** Counters and gauges of one cluster, in shared slots; what has never happened has none. */
import { addTo, type Block, type SlotAllocator } from "../telemetry/slot-allocator.ts";

/** Things that are counted when they happen, by metric. */
export type ClusterEvent =
  | "weft_upstream_overflow_total"
  | "weft_retries_total"
  | "weft_retries_succeeded_total"
  | "weft_retries_over_budget_total"
  | "weft_retries_exhausted_total"
  | "weft_hedges_total"
  | "weft_outlier_ejections_total"
  | "weft_outlier_ejections_refused_total"
  | "weft_panic_picks_total"
  | "weft_try_timeouts_total"
  | "weft_faults_injected_total"
  | "weft_mirror_comparisons_skipped_total";

export class ClusterStats {
  readonly #allocator: SlotAllocator;
  readonly #cluster: string;
  readonly #opened: Block;
  readonly #active: Block;
  readonly #connectFailures: Block;
  readonly #events = new Map<string, Block>();

  constructor(allocator: SlotAllocator, cluster: string) {
    this.#allocator = allocator;
    this.#cluster = cluster;
    const labels = { cluster };
    this.#opened = allocator.allocate("counter", "weft_upstream_connections_total", labels);
    this.#active = allocator.allocate("gauge", "weft_upstream_connections_active", labels);
    this.#connectFailures = allocator.allocate("counter", "weft_upstream_connect_failures_total", labels);
  }

  connectionOpened(): void {
    addTo(this.#opened, 1);
    addTo(this.#active, 1);
  }

  connectionClosed(wasOpen: boolean): void {
    if (wasOpen) addTo(this.#active, -1);
    else addTo(this.#connectFailures, 1);
  }

  /** For one connection from its beginning to its end. */
  connection(): { onOpen(): void; onClosed(): void } {
    let wasOpen = false;
    return {
      onOpen: () => {
        wasOpen = true;
        this.connectionOpened();
      },
      onClosed: () => this.connectionClosed(wasOpen),
    };
  }

  /** `reason` is a word of a short list, such as the detector that ejected. */
  count(event: ClusterEvent, reason = ""): void {
    const labels = reason === "" ? { cluster: this.#cluster } : { cluster: this.#cluster, reason };
    addTo(this.#block("counter", event, labels), 1);
  }

  /** `result` is a word of a short list. */
  countMirror(result: string): void {
    addTo(this.#block("counter", "weft_mirror_requests_total", { cluster: this.#cluster, result }), 1);
  }

  setEjected(hosts: number): void {
    const block = this.#block("gauge", "weft_outlier_ejections_active", { cluster: this.#cluster });
    block.page[block.offset] = hosts;
  }

  /** Of the requests that adaptive concurrency allows at once. */
  setConcurrencyLimit(limit: number): void {
    const block = this.#block("gauge", "weft_adaptive_concurrency_limit", { cluster: this.#cluster });
    block.page[block.offset] = limit;
  }

  breakerGauges(priority: string): BreakerGauges {
    return new BreakerGauges(this.#allocator, this.#cluster, priority);
  }

  #block(layout: "counter" | "gauge", name: string, labels: Readonly<Record<string, string>>): Block {
    const key = `${name} ${labels["reason"] ?? labels["result"] ?? ""}`;
    let block = this.#events.get(key);
    if (block === undefined) {
      block = this.#allocator.allocate(layout, name, labels);
      this.#events.set(key, block);
    }
    return block;
  }
}

type Level = readonly [used: number, limit: number];

interface Levels {
  readonly connections: Level;
  readonly pending: Level;
  readonly requests: Level;
  /** Null: there is no limit. */
  readonly retries: Level | null;
}

/** How much a breaker has left: Envoy's `remaining_*`, which it has off by default. */
export class BreakerGauges {
  readonly #connections: Block;
  readonly #pending: Block;
  readonly #requests: Block;
  /** Null: they have never been limited. */
  #retries: Block | null = null;
  readonly #make: (resource: string) => Block;

  constructor(allocator: SlotAllocator, cluster: string, priority: string) {
    const gauge = (resource: string) =>
      allocator.allocate("gauge", "weft_circuit_breaker_remaining", { cluster, priority, resource });
    this.#make = gauge;
    this.#connections = gauge("connections");
    this.#pending = gauge("pending");
    this.#requests = gauge("requests");
  }

  reset({ connections, pending, requests, retries }: Levels): void {
    put(this.#connections, connections);
    put(this.#pending, pending);
    put(this.#requests, requests);
    if (retries === null) return;
    this.#retries ??= this.#make("retries");
    put(this.#retries, retries);
  }

  connections(used: 1 | -1): void {
    addTo(this.#connections, -used);
  }
  pending(used: 1 | -1): void {
    addTo(this.#pending, -used);
  }
  requests(used: 1 | -1): void {
    addTo(this.#requests, -used);
  }
  retries(used: 1 | -1): void {
    if (this.#retries !== null) addTo(this.#retries, -used);
  }
}

function put(block: Block, [used, limit]: Level): void {
  block.page[block.offset] = limit - used;
}
