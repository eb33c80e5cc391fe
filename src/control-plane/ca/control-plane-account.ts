/** The service account of control planes: sidecars trust nobody else to be one, and no sidecar may be it. */

export const CONTROL_PLANE_ACCOUNT = { namespace: "weft-system", serviceAccount: "control-plane" } as const;
