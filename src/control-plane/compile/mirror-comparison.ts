/** What a Service's TrafficPolicy says about comparing mirrored responses, put to the mirrors of its rules. */

import type { MirrorComparison } from "../../discovery/mirror-comparison.ts";
import type { RouteAction } from "../../discovery/route.ts";
import type { TrafficPolicySpec } from "../../resources/kind/traffic-policy.ts";

type Spec = TrafficPolicySpec["mirrorComparison"];

/** The action, with what is compared of its mirrors. */
export function withComparison(action: RouteAction, spec: Spec): RouteAction {
  if (spec === undefined || action.kind !== "forward" || action.mirrors === undefined) return action;
  const comparison = compile(spec);
  return { ...action, mirrors: action.mirrors.map((mirror) => ({ ...mirror, comparison })) };
}

function compile({ headers, body, ignore, ...rest }: NonNullable<Spec>): MirrorComparison {
  return {
    ...(headers && { headers: headers.map((name) => name.toLowerCase()) }),
    ...(body !== "none" && { body }),
    ...(ignore && { ignore }),
    ...rest,
  };
}
