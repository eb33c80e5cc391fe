/** What the processes of a local mesh prove themselves with, as files in the mesh's run directory. */
import type { Instance } from "./plan.ts";

export interface Enrolment {
  /** The control plane's state directory, with its CA. */
  readonly stateDir: string;
  readonly trustDomain: string;
  /** Roots that sidecars verify the control plane with. */
  readonly bundleFile: string;
  /** Join tokens, by id of the instance. */
  readonly tokenFiles: ReadonlyMap<string, string>;
}

/** Makes a CA and a token for each instance in `directory`. Throws where that is not possible. */
export type PrepareEnrolment = (directory: string, instances: readonly Instance[]) => Promise<Enrolment>;
