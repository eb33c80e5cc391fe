/** What a replica says of itself to the others, and how its word about one object is put together with ours. */
import type { ChangeProgress } from "../../plane.ts";
import { isMap, mapOf, textOf } from "./object.ts";

/** How far the sidecars of one replica are with an object. */
export interface ObjectProgress extends Pick<ChangeProgress, "state" | "concerned" | "applied"> {
  readonly generation: number;
  /** The first that has refused it. */
  readonly rejected?: { readonly sidecar: string; readonly message: string };
}

/** By `<kind> <namespace>/<name>`. */
export type Objects = Readonly<Record<string, ObjectProgress>>;

export interface Report {
  /** Version of the mesh's secret there; empty: not known yet. */
  readonly secret: string;
  /** How many sidecars there do not have it. */
  readonly lacking: number;
  readonly objects: Objects;
  /** Who has registered there, as the registry has it; undefined: nothing is said of it. */
  readonly registrants: unknown;
  /** It ends. */
  readonly hasLeft: boolean;
}

/** Longest message of a sidecar that is passed on. */
const MAX_MESSAGE = 300;
const STATES = ["pending", "applied", "rejected"] as const;

/** Our word about one object. */
export function objectProgress(
  generation: number,
  { state, concerned, applied, rejected }: ChangeProgress,
): ObjectProgress {
  const [first] = rejected;
  const known = { generation, state, concerned, applied };
  if (first === undefined) return known;
  const { sidecar, message } = first;
  return { ...known, rejected: { sidecar, message: message.slice(0, MAX_MESSAGE) } };
}

/** Reads a report of another replica, perhaps of another version. Never throws; what can't be read is not confirmed. */
export function readReport(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = {};
  }
  const { secret, lacking, objects, registrants, hasLeft } = mapOf(value);
  const read = Object.entries(mapOf(objects)).flatMap(([id, one]) => {
    const progress = readProgress(one);
    return progress === undefined ? [] : [[id, progress] as const];
  });
  return {
    secret: textOf(secret) ?? "",
    lacking: typeof lacking === "number" ? lacking : 1,
    objects: Object.fromEntries(read),
    registrants,
    hasLeft: hasLeft === true,
  };
}

function readProgress(value: unknown): ObjectProgress | undefined {
  const { generation, state, concerned, applied, rejected } = mapOf(value);
  const known = STATES.find((one) => one === state);
  if (typeof generation !== "number" || typeof concerned !== "number" || typeof applied !== "number") return;
  if (known === undefined) return undefined;
  const { sidecar, message } = mapOf(rejected);
  return {
    generation,
    state: known,
    concerned,
    applied,
    ...(isMap(rejected) && {
      rejected: { sidecar: textOf(sidecar) ?? "", message: textOf(message) ?? "" },
    }),
  };
}

/** What all replicas know of one object. */
export interface JoinedProgress extends Omit<ChangeProgress, "change"> {
  /** Replicas whose word is in it, of how many. */
  readonly told: number;
  readonly replicas: number;
}

/** Puts our progress and the others' words about object `id` in `generation` together. */
export function joinProgress(
  own: ChangeProgress,
  id: string,
  generation: number,
  others: readonly Objects[],
): JoinedProgress {
  const words = others.flatMap(({ [id]: word }) => (word?.generation === generation ? [word] : []));
  const all = [own, ...words];
  const has = (state: ChangeProgress["state"]) => all.some((one) => one.state === state);
  return {
    state: has("rejected") ? "rejected" : has("pending") ? "pending" : "applied",
    concerned: all.reduce((sum, { concerned }) => sum + concerned, 0),
    applied: all.reduce((sum, { applied }) => sum + applied, 0),
    rejected: [...own.rejected, ...words.flatMap(({ rejected }) => rejected ?? [])],
    told: all.length,
    replicas: others.length + 1,
  };
}
