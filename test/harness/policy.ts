/** The policy of a workload that nobody protects: without one a sidecar lets nothing in. */
import type { PolicyResource } from "../../src/discovery/policy.ts";

export const OPEN: PolicyResource = {
  name: "inbound",
  defaultDeny: false,
  exposeDenials: false,
  policies: [],
};
