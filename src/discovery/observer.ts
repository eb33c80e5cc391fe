/** What happens on the control plane's streams, for those who count and log it; nothing here changes what is sent. */
import type { LoadReport, Node, ResourceType } from "./messages.ts";
import type { ChangeProgress } from "./progress.ts";

/** A resource that a sidecar refused and has not taken since. */
export interface NackRecord {
  /** Type and name. */
  readonly resource: string;
  readonly version: string;
  readonly message: string;
  readonly field?: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface DiscoveryObserver {
  readonly connected: (sidecar: string) => void;
  readonly disconnected: (sidecar: string, reason: string) => void;
  /** A response was written, so many bytes long. */
  readonly pushed: (type: ResourceType, bytes: number) => void;
  /** A response was answered: so many of its resources were taken, these were not. */
  readonly answered: (
    sidecar: string,
    type: ResourceType,
    taken: number,
    refused: readonly NackRecord[],
  ) => void;
  /** Everybody concerned has applied the change, or somebody has refused it. Called once for each change. */
  readonly settled: (progress: ChangeProgress) => void;
  readonly load: (node: Node, report: LoadReport) => void;
  /** A sidecar has a stream, wants no new requests, has none any more. */
  readonly arrived: (node: Node) => void;
  readonly leaving: (node: Node) => void;
  readonly left: (node: Node) => void;
}

/** Looks at nothing. */
export const NO_OBSERVER: DiscoveryObserver = {
  connected() {},
  disconnected() {},
  pushed() {},
  answered() {},
  settled() {},
  load() {},
  arrived() {},
  leaving() {},
  left() {},
};
