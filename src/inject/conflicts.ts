/** Annotations of which each is good, and which cannot all be kept. */
import type { Path, Problem } from "../resources/problem.ts";
import { PREFIX, type Wishes } from "./annotations.ts";
import type { Pod } from "./pod.ts";
import { isMore, resourcesOf } from "./resources.ts";
import { portsOf } from "./sidecar.ts";

/** `path`: of the pod in its document. */
export function conflictsOf(pod: Pod, wishes: Wishes, path: Path): readonly Problem[] {
  const say = (name: keyof Wishes, message: string, expected: string): Problem => ({
    ...{ path: [...path, "metadata", "annotations", PREFIX + name], at: "value" },
    ...{ message: `${PREFIX}${name}: ${message}`, found: String(wishes[name]), expected },
  });
  return [...portConflicts(wishes, say), ...resourceConflicts(pod, wishes, say)];
}

type Say = (name: keyof Wishes, message: string, expected: string) => Problem;

function portConflicts(wishes: Wishes, say: Say): readonly Problem[] {
  const uses = Object.entries(portsOf(wishes)) as [keyof ReturnType<typeof portsOf>, number][];
  return uses.flatMap(([use, port], i) => {
    const [other] = uses.slice(0, i).find(([, taken]) => taken === port) ?? [];
    if (other === undefined) return [];
    // The one that was chosen is wrong, and not the default that it meets.
    const [chosen, met] = wishes[`${use}-port`] === undefined ? [other, use] : [use, other];
    return [say(`${chosen}-port`, `${port} is its ${met} port, too`, "a port of its own")];
  });
}

function resourceConflicts(pod: Pod, wishes: Wishes, say: Say): readonly Problem[] {
  const { requests, limits } = resourcesOf(wishes, pod);
  return (["cpu", "memory"] as const).flatMap((name) => {
    const [request, limit] = [requests[name], limits[name]];
    if (!isMore(request, limit)) return [];
    return wishes[name] === undefined
      ? [
          say(
            `${name}-limit`,
            `${limit} is less than the request of ${request}; ${PREFIX}${name} gives another`,
            `${request} at least`,
          ),
        ]
      : [
          say(
            name,
            `${request} is more than the limit of ${limit}; ${PREFIX}${name}-limit gives another`,
            `${limit} at most`,
          ),
        ];
  });
}
