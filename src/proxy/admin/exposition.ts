/**
 * Metric families as Prometheus reads them. prom-client is the registry and writes the text; the values come from
 * wherever they are kept, at the moment of the scrape. Only its registry is loaded, and only at the first scrape:
 * the whole package would cost 2.6 MB of anonymous memory that a sidecar nobody scrapes never needs.
 */
import { createRequire } from "node:module";
import type { Metric, Registry } from "prom-client";

export interface Value {
  readonly value: number;
  /** Labels of this value alone, such as `le`. */
  readonly labels?: Readonly<Record<string, string | number>>;
  /** Labels that several values share; the same object at each scrape is formatted only once. */
  readonly sharedLabels?: Readonly<Record<string, string>>;
  /** For a histogram: the family's name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: () => Iterable<Value>;
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The text of all families, in their order; families of the same name must be one. */
export async function expose(families: Iterable<Family>): Promise<Exposition> {
  const registry = newRegistry();
  for (const { name, help, type, values } of families) {
    const metric = { name, help, type, get: () => ({ name, help, type, values: [...values()] }) };
    // The registry calls nothing but `get`; its types ask for one of prom-client's own classes.
    registry.registerMetric(metric as unknown as Metric);
  }
  return { contentType: registry.contentType, body: await registry.metrics() };
}

const require = createRequire(import.meta.url);

function newRegistry(): Registry {
  const Class: new () => Registry = require("prom-client/lib/registry.js");
  return new Class();
}
