/**
 * What the sidecar and weft-init may use. Both have the same, so that a pod can be Guaranteed; it costs nothing, because weft-init
 * ends before the sidecar begins.
 */
import type { Wishes } from "./annotations.ts";
import type { Pod } from "./pod.ts";

/** Quantities of Kubernetes, `none` for no request or limit. */
interface Quantities {
  readonly cpu: string;
  readonly memory: string;
}

interface Resources {
  readonly requests: Quantities;
  readonly limits: Quantities;
}

const DEFAULTS: Resources = {
  requests: { cpu: "50m", memory: "64Mi" },
  limits: { cpu: "2", memory: "512Mi" },
};
/** What a pod has as a whole (KEP-2837) is for all of its containers: more of them may not ask for more. */
const SHARED: Resources = {
  requests: { cpu: "none", memory: "none" },
  limits: { cpu: "none", memory: "none" },
};

const UNITS: Readonly<Record<string, number>> = {
  ...{ m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

export function resourcesOf(wishes: Wishes, { spec }: Pod): Resources {
  const { requests, limits } = spec.resources ? SHARED : DEFAULTS;
  return {
    requests: { cpu: wishes.cpu ?? requests.cpu, memory: wishes.memory ?? requests.memory },
    limits: {
      cpu: wishes["cpu-limit"] ?? limits.cpu,
      memory: wishes["memory-limit"] ?? limits.memory,
    },
  };
}

/** As a container has them. */
export function writtenResources({ requests, limits }: Resources) {
  const set = (all: Quantities) =>
    Object.fromEntries(Object.entries(all).filter(([, quantity]) => quantity !== "none"));
  return { requests: set(requests), limits: set(limits) };
}

/** Whether one quantity is more than another; `none` is neither more nor less. */
export function isMore(quantity: string, than: string): boolean {
  return amountOf(quantity) > amountOf(than);
}

/** NaN where there is none. */
function amountOf(quantity: string): number {
  const unit = /[a-zA-Z]+$/.exec(quantity)?.[0] ?? "";
  return Number.parseFloat(quantity) * (UNITS[unit] ?? 1);
}
