/** What a mesh decides for all of its pods; a pod's annotations change what concerns it alone. */

export interface InjectSettings {
  /** Of Weft. A pod that another version has injected is injected anew. */
  readonly version: string;
  /** Image of the sidecar and of `weft-init`; its entry point is `weft`. */
  readonly image: string;
  /** `HOST:PORT` of the control plane, for sidecars. */
  readonly controlPlane: string;
  readonly trustDomain: string;
  /** Namespace of the control plane: nothing there is injected. */
  readonly ownNamespace: string;
  /**
   * `native`: an init container with `restartPolicy: Always` (Kubernetes from 1.29), which starts before and ends after all
   * others. `classic`: a container like others, that holds the next one until it is ready.
   */
  readonly form: "native" | "classic";
}

export const DEFAULT_SETTINGS = {
  image: "weft:latest",
  controlPlane: "weft-control-plane.weft-system.svc:15012",
  trustDomain: "cluster.local",
  ownNamespace: "weft-system",
  form: "native",
} as const satisfies Partial<InjectSettings>;

/** Kubernetes' own: a mesh that fails must not keep the cluster from mending itself. */
export const SYSTEM_NAMESPACES: readonly string[] = ["kube-system", "kube-public", "kube-node-lease"];

/** The sidecar's user and group, which netfilter exempts. */
export const SIDECAR_ID = 1337;
export const TOKEN_AUDIENCE = "weft";
/** ConfigMap in each namespace, and the key in it. */
export const TRUST_CONFIG_MAP = "weft-trust-bundle";
export const TRUST_KEY = "trust-bundle.pem";
/** Kubernetes' default of `terminationGracePeriodSeconds`. */
export const DEFAULT_GRACE_SECONDS = 30;
/** A day: what the sidecar waits for at most, and far below what a timer holds (2^31 ms). */
export const MAX_SECONDS = 86_400;
