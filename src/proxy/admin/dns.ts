/** The DNS proxy as numbers, and as a page for people. */
import { BUCKETS } from "../dns/counts.ts";
import type { DnsProxy } from "../dns/proxy.ts";
import type { Family, Value } from "./exposition.ts";
import { type Answer, json, text } from "./server.ts";

export function describeDns(dns: DnsProxy | undefined): Answer {
  return dns === undefined
    ? text(404, "this sidecar answers no DNS: see --dns-port")
    : json(200, dns.describe());
}

export function* dnsFamilies(dns: DnsProxy): Generator<Family> {
  const { counts } = dns;
  yield {
    name: "weft_dns_requests_total",
    help: "Questions about names, by what became of them.",
    type: "counter",
    values: () => [...counts.outcomes].map(([outcome, value]) => ({ value, labels: { outcome } })),
  };
  yield {
    name: "weft_dns_upstream_requests_total",
    help: "Questions passed on to resolvers, each try, by its result.",
    type: "counter",
    values: () => [...counts.tries].map(([result, value]) => ({ value, labels: { result } })),
  };
  yield {
    name: "weft_dns_upstream_request_duration_seconds",
    help: "How long resolvers took to answer, or the proxy to give up.",
    type: "histogram",
    values: () => durations("weft_dns_upstream_request_duration_seconds", counts.durations, counts.seconds),
  };
  yield {
    name: "weft_dns_names",
    help: "Names that the control plane tells this sidecar about, with those that the mesh does not have.",
    type: "gauge",
    values: () => [{ value: dns.names }],
  };
}

function* durations(name: string, counted: readonly number[], seconds: number): Generator<Value> {
  let sum = 0;
  for (const [i, count] of counted.entries()) {
    sum += count;
    yield { metricName: `${name}_bucket`, value: sum, labels: { le: BUCKETS[i] ?? "+Inf" } };
  }
  yield { metricName: `${name}_sum`, value: seconds };
  yield { metricName: `${name}_count`, value: sum };
}
