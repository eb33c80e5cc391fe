/**
 * The traffic loops' series as metric families, under the names that the field's dashboards query. A `request` block
 * becomes Istio's four standard metrics; `tcp_*` gets the standard prefix too, because Istio has those metrics; all
 * others are `weft_*`.
 */
import type { Series, SeriesTable } from "../snapshot/series.ts";
import { ENVOY_BUCKETS } from "../telemetry/histogram.ts";
import { REQUEST_BLOCK } from "../telemetry/slots.ts";
import type { Family, Value } from "./exposition.ts";

/** What `# HELP` says of a loop's own counters and gauges, by name without prefix. */
const HELP: Readonly<Record<string, string>> = {
  tcp_connections_opened_total: "Connections opened.",
  tcp_connections_closed_total: "Connections closed.",
  tcp_sent_bytes_total: "Bytes sent to the client.",
  tcp_received_bytes_total: "Bytes received from the client.",
  weft_authorization_denied_total: "Requests that policy refused, by reason.",
  weft_authorization_audited_total: "Requests that a rule of an AUDIT policy took.",
  weft_hop_connections_total: "Connections between sidecars that requests share.",
  weft_hop_connections_active: "Connections between sidecars that are open.",
  weft_downstream_connections_total: "Connections accepted; of a hop, its streams.",
  weft_downstream_connections_active: "Connections of clients that are open.",
  weft_loop_delay_seconds: "How late a traffic loop's turns began in the last 5 s, by quantile.",
  weft_rate_limit_requests_total: "Requests that a rate limit counted, by result.",
  weft_mirror_requests_total: "Copies of requests for a mirror, by what became of them.",
  weft_mirror_comparisons_skipped_total: "Mirrored requests that were not compared, because too many were.",
  weft_tls_handshakes_total: "TLS handshakes that ended with a verified peer, by kind.",
  weft_tls_handshake_failures_total: "TLS handshakes that did not, by reason.",
  weft_upstream_connections_total: "Connections opened to endpoints; of a hop, its streams.",
  weft_upstream_connections_active: "Connections to endpoints that are open, pooled ones included.",
  weft_upstream_connect_failures_total: "Connections to endpoints that could not be opened.",
};

const HISTOGRAMS = [
  {
    suffix: "request_duration_milliseconds",
    help: "Time from the first byte of a request to the last byte of its response.",
    sum: REQUEST_BLOCK.durationSum,
    buckets: REQUEST_BLOCK.durationBuckets,
  },
  {
    suffix: "request_bytes",
    help: "Size of requests.",
    sum: REQUEST_BLOCK.requestBytesSum,
    buckets: REQUEST_BLOCK.requestBytesBuckets,
  },
  {
    suffix: "response_bytes",
    help: "Size of responses.",
    sum: REQUEST_BLOCK.responseBytesSum,
    buckets: REQUEST_BLOCK.responseBytesBuckets,
  },
] as const;

/** Values of `le`, made once. */
const BOUNDS: readonly { readonly le: string }[] = [...ENVOY_BUCKETS.map(String), "+Inf"].map((le) => ({
  le,
}));

/** The families of all series that there are now. `prefix` begins the standard names, e.g. `istio`. */
export function* trafficFamilies(table: SeriesTable, prefix: string): Generator<Family> {
  yield {
    name: `${prefix}_requests_total`,
    help: "Requests that ended.",
    type: "counter",
    values: function* () {
      for (const series of table.of("request")) {
        yield { value: series.read(REQUEST_BLOCK.count), sharedLabels: series.labels };
      }
    },
  };
  for (const { suffix, help, sum, buckets } of HISTOGRAMS) {
    const name = `${prefix}_${suffix}`;
    yield {
      name,
      help,
      type: "histogram",
      values: function* () {
        for (const series of table.of("request")) yield* histogram(series, name, sum, buckets);
      },
    };
  }
  for (const type of ["counter", "gauge"] as const) {
    for (const [name, all] of Map.groupBy(table.of(type), (series) => series.name)) {
      yield {
        name: fullName(name, prefix),
        help: HELP[name] ?? `${sentence(name)}.`,
        type,
        values: () => all.map((series) => ({ value: series.read(), sharedLabels: series.labels })),
      };
    }
  }
}

function* histogram(series: Series, name: string, sum: number, buckets: number): Generator<Value> {
  const sharedLabels = series.labels;
  let count = 0;
  for (const [index, labels] of BOUNDS.entries()) {
    count += series.read(buckets + index);
    yield { metricName: `${name}_bucket`, value: count, labels, sharedLabels };
  }
  yield { metricName: `${name}_sum`, value: series.read(sum), sharedLabels };
  // Counted from the buckets: a loop may be adding to the block between two reads, and +Inf must equal the count.
  yield { metricName: `${name}_count`, value: count, sharedLabels };
}

function fullName(name: string, prefix: string): string {
  if (name.startsWith("weft_")) return name;
  return `${name.startsWith("tcp_") ? prefix : "weft"}_${name}`;
}

function sentence(name: string): string {
  const words = name.replace(/^weft_|_total$/g, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
