/**
 * Where the desired state comes from: what the plane asks of a directory of files and of a Kubernetes cluster alike.
 */
import type { Issue } from "../../resources/issue.ts";
import type { Resource } from "../../resources/resource.ts";
import type { Addresses } from "../compile/inputs.ts";
import type { Instances, Moved } from "../compile/instances.ts";
import type { DocumentId } from "./edit.ts";

export interface SourceState {
  readonly resources: readonly Resource[];
  readonly addresses: Addresses;
}

export interface SourceStatus {
  readonly state: "ok" | "broken";
  readonly issues: readonly Issue[];
  /** Absent where resources are not in files. */
  readonly files?: number;
  readonly resources: number;
  /** Kinds that can't be read now, so that what is known of them is old; absent where there are none. */
  readonly unread?: readonly string[];
}

/** What is to be: a document, or (`document` absent) that there is none. */
export interface Edit extends DocumentId {
  readonly document?: unknown;
}

export interface EditResult extends DocumentId {
  readonly action: "created" | "configured" | "unchanged" | "deleted" | "absent";
}

/** `warnings`: of the whole state, those that are there because of the edits; at most 100. */
export type EditOutcome =
  | { readonly results: readonly EditResult[]; readonly warnings: readonly Issue[] }
  | { readonly issues: readonly Issue[] };

export interface Source {
  /** The last good state. */
  readonly state: SourceState;
  readonly status: SourceStatus;
  /** Whether the state is one to be served: not before it has been read as a whole. */
  readonly isReady: boolean;
  readonly instances: Instances;
  /** Takes over what has changed. False: not yet, ask again soon; nothing was taken over. */
  rescan(): boolean;
  /** Instances that have changed since this was last asked. */
  moved(): Moved;
  /** Calls `onChange` for each change; to rescan is the caller's, once per burst. */
  watch(onChange: () => void, onError: (error: Error) => void): void;
  /** All edits or none. With `dryRun` everything but the writing happens. */
  edit(edits: readonly Edit[], dryRun: boolean): EditOutcome;
  close(): void;
}

/** Identity of a resource or document. */
export function documentId(resource: Resource): DocumentId {
  const { name, namespace } = resource.metadata;
  return { kind: resource.kind, namespace, name };
}
