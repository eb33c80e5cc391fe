import { expect, it } from "vitest";
import { isLeaseGrant } from "./lease-check.ts";

const lease = { limit: "default/l/0", flow: 1, cap: 1, grant: 0 };

it.each<[string, unknown, boolean]>([
  ["leases", { part: 0, leases: [lease, { ...lease, key: "k", isOver: true }] }, true],
  ["no leases", { part: 3, leases: [] }, true],
  ["nothing", undefined, false],
  ["a list", [], false],
  ["a part that is none", { part: "0", leases: [] }, false],
  ["leases that are no list", { part: 0, leases: {} }, false],
  ["a flow below 0", { part: 0, leases: [{ ...lease, flow: -1 }] }, false],
  ["no cap", { part: 0, leases: [{ ...lease, cap: undefined }] }, false],
  ["a grant without end", { part: 0, leases: [{ ...lease, grant: 1e300 }] }, false],
  ["a lease that is over otherwise", { part: 0, leases: [{ ...lease, isOver: false }] }, false],
])("%s", (_what, value, expected) => expect(isLeaseGrant(value)).toBe(expected));
