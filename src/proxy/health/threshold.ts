/**
 * What an endpoint's checks have come to: a state machine on their results alone, without clock or sockets.
 *
 * The first result decides at once, either way, as in Envoy and HAProxy; before it an endpoint is used, as in HAProxy: who is in
 * the configuration has been found ready by whoever put it there, and a sidecar that has just learnt of a Service has a request
 * waiting for it (Envoy holds the endpoint back). After that it takes results in a row to change the verdict.
 */

export type HealthState =
  /** Not asked yet; used. To either of the others with the first result. */
  | { readonly kind: "pending" }
  /** To `unhealthy` after `unhealthyThreshold` failures in a row, of which there have been `failures`. */
  | { readonly kind: "healthy"; readonly failures: number }
  /**
   * To `healthy` after `healthyThreshold` passes in a row, of which there have been `passes`; an endpoint that has never passed
   * was still starting, and needs one.
   */
  | { readonly kind: "unhealthy"; readonly passes: number; readonly hasPassed: boolean };

export interface Thresholds {
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
}

export const PENDING: HealthState = { kind: "pending" };

/** The state after one more result. */
export function afterResult(state: HealthState, isPass: boolean, thresholds: Thresholds): HealthState {
  switch (state.kind) {
    case "pending":
      return isPass ? { kind: "healthy", failures: 0 } : { kind: "unhealthy", passes: 0, hasPassed: false };
    case "healthy": {
      const failures = isPass ? 0 : state.failures + 1;
      return failures < thresholds.unhealthyThreshold
        ? { kind: "healthy", failures }
        : { kind: "unhealthy", passes: 0, hasPassed: true };
    }
    case "unhealthy": {
      const passes = isPass ? state.passes + 1 : 0;
      const needed = state.hasPassed ? thresholds.healthyThreshold : 1;
      return passes < needed ? { ...state, passes } : { kind: "healthy", failures: 0 };
    }
  }
}

/** The state when something else is asked from now on: the verdict stays until the first result, which decides at once. */
export function afterOtherQuestion(state: HealthState): HealthState {
  return state.kind === "unhealthy" ? { kind: "unhealthy", passes: 0, hasPassed: false } : PENDING;
}
