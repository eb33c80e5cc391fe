/** FaultInjections of a Service as the rules of its routes carry them: all of them hold, the older first, then by name. */
import type { Abort, Fault, FaultSource } from "../../discovery/faults.ts";
import type { FaultSpec } from "../../resources/kind/fault-injection.ts";
import { GRPC_STATUSES } from "../../resources/kind/fault-injection-effect.ts";
import type { FaultInjection } from "../../resources/resource.ts";
import type { Metadata } from "./inputs.ts";
import { idOf } from "./inputs.ts";
import { compileRequestMatch } from "./match.ts";

const GRPC_NAMES: readonly string[] = GRPC_STATUSES;
const SPIFFE = /^spiffe:\/\//;

/** For a rule of `route`, or of the Service itself where it has none. Undefined: nothing befalls it. */
export function compileFaults(
  injections: readonly FaultInjection[],
  route: Metadata | undefined,
): readonly Fault[] | undefined {
  const faults = injections.flatMap(({ metadata, spec }) =>
    spec.faults.flatMap((fault, index) => {
      if (!concerns(fault, metadata, route)) return [];
      return [compileFault(fault, `FaultInjection ${idOf(metadata)} fault ${fault.name ?? index}`)];
    }),
  );
  return faults.length === 0 ? undefined : faults;
}

function concerns({ routes }: FaultSpec, { namespace }: Metadata, route: Metadata | undefined): boolean {
  if (routes === undefined) return true;
  return route !== undefined && route.namespace === namespace && routes.includes(route.name);
}

function compileFault(fault: FaultSpec, source: string): Fault {
  const { match, from, percent, fraction, delay, abort, slowBody } = fault;
  const share = fraction === undefined ? (percent ?? 100) / 100 : fraction.numerator / fraction.denominator;
  return {
    source,
    ...(match && { matches: match.map(compileRequestMatch) }),
    ...(from && { from: from.map((one) => sourceOf(one.source)) }),
    ...(share < 1 && { share }),
    ...(delay && {
      delay: { minMs: delay.fixed ?? delay.min ?? 0, maxMs: delay.fixed ?? delay.max ?? 0 },
    }),
    ...(abort && { abort: abortOf(abort) }),
    ...(slowBody && { bytesPerSecond: slowBody.bytesPerSecond }),
  };
}

function sourceOf(source: NonNullable<FaultSpec["from"]>[number]["source"]): FaultSource {
  const { principals, notPrincipals } = source;
  const bare = (list: readonly string[]) => list.map((principal) => principal.replace(SPIFFE, ""));
  return {
    ...source,
    ...(principals && { principals: bare(principals) }),
    ...(notPrincipals && { notPrincipals: bare(notPrincipals) }),
  };
}

function abortOf({ status, grpcStatus }: NonNullable<FaultSpec["abort"]>): Abort {
  if (status !== undefined) return { kind: "status", status };
  if (grpcStatus === undefined) return { kind: "reset" };
  const number = typeof grpcStatus === "number" ? grpcStatus : GRPC_NAMES.indexOf(grpcStatus);
  return { kind: "grpc", status: number };
}
