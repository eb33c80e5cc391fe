/**
 * The control plane's own metrics, read when Prometheus asks: sidecars by state, resources by kind, the latest change,
 * and the process.
 */
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { KINDS } from "../resources/resource.ts";
import type { Plane } from "./plane.ts";

/** A registry that reads `plane` on each scrape. */
export function planeMetrics(plane: Plane): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: "weft_control_plane_sidecars",
    help: "Connected sidecars.",
    registers,
    collect() {
      this.set(plane.discovery.sidecars().length);
    },
  });
  new Gauge({
    name: "weft_control_plane_resources",
    help: "Resources of the last good state, by kind.",
    labelNames: ["kind"],
    registers,
    collect() {
      for (const kind of KINDS) {
        this.set({ kind }, plane.resources.filter((resource) => resource.kind === kind).length);
      }
    },
  });
  new Gauge({
    name: "weft_control_plane_change",
    help: "Number of the latest change of the desired state.",
    registers,
    collect() {
      this.set(plane.change);
    },
  });
  new Gauge({
    name: "weft_control_plane_source_broken",
    help: "1 while the files hold errors and the last good state is served.",
    registers,
    collect() {
      this.set(plane.status.state === "broken" ? 1 : 0);
    },
  });
  return registry;
}
