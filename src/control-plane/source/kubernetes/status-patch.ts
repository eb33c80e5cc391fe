/**
 * The status of an object as it should be: conditions with their times, in the place where the kind has them. What others wrote into a
 * route's status stays; nothing is to be written where only a time would differ.
 */
import type { Condition } from "./conditions.ts";
import { type Json, mapOf, mapsOf, textOf } from "./object.ts";
import { isRoute, type ResourceRecord } from "./resource-record.ts";

/** Who we are among the controllers of a route. */
export const CONTROLLER = "weft.dev/control-plane";

/** The status to be written; undefined: what stands there says it. */
export function statusPatch(
  record: Pick<ResourceRecord, "kind" | "status" | "text">,
  conditions: readonly Condition[],
  now: string,
): Json | undefined {
  if (!isRoute(record.kind)) {
    const existing = mapsOf(record.status?.["conditions"]);
    const wanted = dated(conditions, existing, now);
    return isSame(wanted, existing) ? undefined : { conditions: wanted };
  }
  const parents = mapsOf(record.status?.["parents"]);
  const ours = parents.filter(({ controllerName }) => controllerName === CONTROLLER);
  const wanted = parentsOf(record.text).map((parentRef) => {
    const existing = ours.find((parent) => isSame(parent["parentRef"], parentRef));
    const known = mapsOf(existing?.["conditions"]);
    return { parentRef, controllerName: CONTROLLER, conditions: dated(conditions, known, now) };
  });
  if (isSame(wanted, ours)) return undefined;
  return { parents: [...parents.filter(({ controllerName }) => controllerName !== CONTROLLER), ...wanted] };
}

/** Whether the status says for this generation that sidecars run by the object. */
export function isProgrammed(record: ResourceRecord): boolean {
  return everywhere(record, (value) => value === "True");
}

/** Whether it says for this generation how far sidecars are. */
export function saysHowFar(record: ResourceRecord): boolean {
  return everywhere(record, () => true);
}

function everywhere(
  { kind, status, generation }: ResourceRecord,
  isMeant: (value: unknown) => boolean,
): boolean {
  const holders = isRoute(kind)
    ? mapsOf(status?.["parents"]).filter(({ controllerName }) => controllerName === CONTROLLER)
    : [status ?? {}];
  return (
    holders.length > 0 &&
    holders.every(({ conditions }) =>
      mapsOf(conditions).some(
        ({ type, status: value, observedGeneration }) =>
          type === "Programmed" && observedGeneration === generation && isMeant(value),
      ),
    )
  );
}

/** Conditions that are not ours to say now (`Programmed`, after a restart) stay as they are. */
function dated(conditions: readonly Condition[], existing: readonly Json[], now: string): readonly Json[] {
  const said = conditions.map((condition) => {
    const old = existing.find(({ type }) => type === condition.type);
    const since = old?.["status"] === condition.status ? textOf(old["lastTransitionTime"]) : undefined;
    return { ...condition, lastTransitionTime: since ?? now };
  });
  const types = new Set(said.map(({ type }): unknown => type));
  return [...said, ...existing.filter(({ type }) => !types.has(type))];
}

/** Parents that are Services, as the route writes them, whether it is right or not. The API server writes the group of Gateways where there is none. */
function parentsOf(text: string): readonly Json[] {
  const { spec } = JSON.parse(text) as { readonly spec?: unknown };
  return mapsOf(mapOf(spec)["parentRefs"]).filter(
    ({ group = "", kind }) => group === "" && kind === "Service",
  );
}

function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** JSON with keys in order: the API server writes them in its own. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
