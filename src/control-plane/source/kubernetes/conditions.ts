/**
 * What is said about an object in its status, as the Gateway API has it (GEP-1364): whether it was accepted, whether what it refers
 * to is there, and whether sidecars run by it. Pure: from what is known to what should stand there.
 */
import type { Issue } from "../../../resources/issue.ts";
import type { JoinedProgress } from "./replica-report.ts";
import type { ResourceRecord } from "./resource-record.ts";

/** A condition without its time, which is that of its last change of `status`. */
export interface Condition {
  readonly type: "Accepted" | "ResolvedRefs" | "Programmed";
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** The API takes 32,768 characters; nobody reads so many. */
const MAX_MESSAGE = 1_000;
const MAX_TOLD = 5;

/**
 * The conditions of an object.
 *
 * @param references what is wrong with references of the object.
 * @param progress how far the change is with which the object came; absent: not known, as after a restart.
 */
export function conditionsOf(
  { issues, generation, resource }: Pick<ResourceRecord, "issues" | "generation" | "resource">,
  references: readonly Issue[],
  progress: JoinedProgress | undefined,
): readonly Condition[] {
  const errors = issues.filter(({ severity }) => severity === "error");
  const say = (
    type: Condition["type"],
    status: Condition["status"],
    reason: string,
    message: string,
  ): Condition => ({ type, status, reason, message, observedGeneration: generation });
  const isAccepted = errors.length === 0;
  const accepted = isAccepted
    ? say("Accepted", "True", "Accepted", "")
    : say("Accepted", "False", "Invalid", told(errors));
  if (!isAccepted) {
    const message = resource === undefined ? "never accepted" : "the last accepted version stays in force";
    return [accepted, say("Programmed", "False", "Invalid", message)];
  }
  const resolved =
    references.length === 0
      ? say("ResolvedRefs", "True", "ResolvedRefs", "")
      : say("ResolvedRefs", "False", reasonOf(references), told(references));
  return [accepted, resolved, ...programmed(say, progress)];
}

function programmed(
  say: (type: Condition["type"], status: Condition["status"], reason: string, message: string) => Condition,
  progress: JoinedProgress | undefined,
): readonly Condition[] {
  if (progress === undefined) return [];
  const { state, applied, concerned, rejected, told, replicas } = progress;
  // The sidecars of a replica that has not said how far they are may be any number.
  const reach = told < replicas ? ` at ${told} of ${replicas} replicas` : "";
  const count = `applied by ${applied} of ${concerned} sidecars${reach}`;
  switch (state) {
    case "applied":
      return [say("Programmed", "True", "Programmed", count)];
    case "pending":
      return [say("Programmed", "False", "Pending", count)];
    case "rejected": {
      const [first] = rejected;
      const who = first === undefined ? "" : `; ${first.sidecar} refused it: ${first.message}`;
      return [say("Programmed", "False", "Rejected", `${count}${who}`.slice(0, MAX_MESSAGE))];
    }
  }
}

/** The worst of them, in the Gateway API's words. */
function reasonOf(references: readonly Issue[]): string {
  return references.some(({ field }) => field.endsWith(".namespace")) ? "RefNotPermitted" : "BackendNotFound";
}

function told(issues: readonly Issue[]): string {
  const lines = issues
    .slice(0, MAX_TOLD)
    .map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  const more = issues.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("; ").slice(0, MAX_MESSAGE);
}
