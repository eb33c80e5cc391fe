/** Service `shop` whose requests are mirrored to Service `copy`, and what is handed over for comparing. */
import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import type { ClusterResource } from "../../src/discovery/messages.ts";
import { compare } from "../../src/proxy/mirrors/compare.ts";
import type { MirrorSample } from "../../src/proxy/mirrors/sample.ts";
import type { UpstreamCluster } from "../../src/proxy/request/listener-context.ts";
import {
  compiled,
  routeDocument,
  serviceDocument,
  TO_SHOP,
  trafficPolicyDocument,
} from "../harness/compiled.ts";
import type { VirtualOptions } from "../harness/virtual-sidecar.ts";
import { type Shop, shop } from "./shop.ts";

export interface Mirrored extends Shop {
  readonly copy: UpstreamCluster;
  readonly samples: MirrorSample[];
  /** False: the control thread takes nothing. */
  isTaken: boolean;
  /** What the next `count` samples show, with the places. */
  results(count: number, stepMs?: number): Promise<string[]>;
  /** Copies by what became of them. */
  outcome(result: string): number;
}

export interface MirroredOptions extends VirtualOptions {
  /** `mirrorComparison` of the policy of `shop`. */
  readonly comparison?: object;
  /** Of the policy of `shop`, besides. */
  readonly policy?: object;
  /** Policy of `copy`. */
  readonly copyPolicy?: object;
  /** Of the filter. */
  readonly share?: object;
}

export async function mirrored(
  real: readonly number[],
  mirrors: readonly number[],
  { comparison, policy, copyPolicy, share, ...options }: MirroredOptions = {},
): Promise<Mirrored> {
  const requestMirror = { backendRef: { name: "copy", port: 80 }, ...share };
  const spec = { ...policy, ...(comparison && { mirrorComparison: comparison }) };
  const documents = [
    serviceDocument("copy"),
    trafficPolicyDocument("shop", spec),
    routeDocument("mirrored", [
      { backendRefs: TO_SHOP, filters: [{ type: "RequestMirror", requestMirror }] },
    ]),
    ...(copyPolicy === undefined ? [] : [trafficPolicyDocument("copy", copyPolicy)]),
  ];
  const made = await shop(real, undefined, documents, options);
  const { outbound } = made.sidecar;
  const all = [serviceDocument("shop"), ...documents];
  const copy = outbound.clusters.set(compiled<ClusterResource>(all, "cluster", "copy.default:80"));
  const owner = { namespace: "default", serviceAccount: "default", app: "copy", version: "v1" };
  copy.setEndpoints(
    mirrors.map((port, i) => ({ address: "127.0.0.1", port, weight: 1, workload: `copy-${i}`, ...owner })),
  );
  const samples: MirrorSample[] = [];
  const { comparisons } = outbound.loop;
  const whole: Mirrored = {
    ...made,
    copy,
    samples,
    isTaken: true,
    async results(count, stepMs = 1) {
      const end = performance.now() + 5_000;
      while (samples.length < count) {
        if (performance.now() > end) expect.fail(`${samples.length} of ${count} samples`);
        await setImmediate();
        made.sidecar.advance(stepMs);
      }
      return samples.splice(0, count).map(shown);
    },
    outcome: (result) => made.sidecar.read("weft_mirror_requests_total", { result }),
  };
  comparisons.send = (sample, bytes) => {
    samples.push(structuredClone(sample));
    if (whole.isTaken) comparisons.taken(bytes);
  };
  return whole;
}

function shown(sample: MirrorSample): string {
  const { result, headers, paths } = compare(sample);
  const statuses =
    result === "status" && sample.kind === "both" ? [`${sample.real.status}->${sample.mirror.status}`] : [];
  return [result, ...statuses, ...headers.keys(), ...paths.keys()].join(" ");
}
