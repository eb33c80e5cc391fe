/** The configuration side of a sidecar in numbers: what is applied, whether the stream lives, what was refused. */
import type { DiscoveryCounts } from "../snapshot/configuration.ts";
import type { AppliedConfig, StoredType } from "../snapshot/store.ts";
import { STORED_TYPES } from "../snapshot/store.ts";
import type { Family } from "./exposition.ts";

export function* discoveryFamilies(counts: DiscoveryCounts, applied: AppliedConfig): Generator<Family> {
  yield {
    name: "weft_discovery_connected",
    help: "1 while the stream to the control plane is up.",
    type: "gauge",
    values: () => [{ value: counts.isConnected ? 1 : 0 }],
  };
  yield {
    name: "weft_discovery_reconnects_total",
    help: "Streams opened after the first.",
    type: "counter",
    values: () => [{ value: counts.reconnects }],
  };
  yield {
    name: "weft_discovery_nacks_total",
    help: "Resources refused; their last good version stays.",
    type: "counter",
    values: () => STORED_TYPES.map((type) => ({ value: counts.nacks.get(type) ?? 0, labels: { type } })),
  };
  yield {
    name: "weft_discovery_wanted_routes",
    help: "Service ports that traffic has asked for and that are subscribed to.",
    type: "gauge",
    values: () => [{ value: counts.wantedRoutes }],
  };
  yield {
    name: "weft_config_updates_total",
    help: "Changes that all traffic loops have applied.",
    type: "counter",
    values: () => [{ value: counts.updates }],
  };
  yield {
    name: "weft_config_resources",
    help: "Resources that the traffic loops serve from.",
    type: "gauge",
    values: () => STORED_TYPES.map((type: StoredType) => ({ value: applied[type].size, labels: { type } })),
  };
  yield {
    name: "weft_config_version_info",
    help: "Version of the source that the last response of each type came from.",
    type: "gauge",
    values: () =>
      [...counts.systemVersions].map(([type, version]) => ({ value: 1, labels: { type, version } })),
  };
}
