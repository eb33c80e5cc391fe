/** What differs from one installation to the next. */

export interface InstallSettings {
  readonly namespace: string;
  readonly image: string;
  /** Absent: Kubernetes' default. */
  readonly imagePullPolicy?: "Always" | "IfNotPresent" | "Never";
  /** Secrets of the namespace with which images are fetched. */
  readonly imagePullSecrets: readonly string[];
  /** Image that is injected; absent: `image`. */
  readonly sidecarImage?: string;
  readonly sidecarForm: "native" | "classic";
  /** Secret with the operator's CA (`tls.crt`, `tls.key`, `ca.crt`); absent: replicas make one in a Secret of their own. */
  readonly caSecret?: string;
  /** Absent: as MeshConfig says, or `cluster.local`. */
  readonly trustDomain?: string;
  readonly replicas: number;
  /** What becomes of pods that start while no control plane answers: `Ignore` lets them start without a sidecar. */
  readonly failurePolicy: "Fail" | "Ignore";
  readonly logLevel: "info" | "warn" | "error";
  readonly priorityClass?: string;
  readonly resources: Resources;
  /** Whether the definitions of Weft's kinds are installed, too. */
  readonly crds: boolean;
}

/** Quantities of Kubernetes, `none` for no request or limit. */
export interface Resources {
  readonly cpu: string;
  readonly cpuLimit: string;
  readonly memory: string;
  readonly memoryLimit: string;
}

export const DEFAULT_INSTALL: InstallSettings = {
  namespace: "weft-system",
  image: "weft:latest",
  imagePullSecrets: [],
  sidecarForm: "native",
  replicas: 1,
  failurePolicy: "Fail",
  logLevel: "info",
  resources: { cpu: "100m", cpuLimit: "none", memory: "256Mi", memoryLimit: "1Gi" },
  crds: true,
};

/** What everything of the control plane is called: also the Lease, and the host that sidecars know. */
export const NAME = "weft-control-plane";
/** MutatingWebhookConfiguration. */
export const WEBHOOK = "weft";
/** Secret of the CA that replicas make; installed empty, so that nobody needs the right to create Secrets. */
export const CA_SECRET = "weft-ca";
/** ConfigMap in which replicas tell each other how far they are. */
export const REPLICAS = "weft-replicas";
/** ConfigMap in which they count the uses of join tokens. */
export const TOKEN_USES = "weft-token-uses";

export const PORTS = { discovery: 15_012, api: 15_014, webhook: 15_017 } as const;

export type Manifest = { readonly [key: string]: unknown };

/** Labels by which the control plane's pods are found. */
export const SELECTOR = { "app.kubernetes.io/name": NAME } as const;

export function metadata(name: string, namespace?: string): Manifest {
  const labels = { ...SELECTOR, "app.kubernetes.io/part-of": "weft" };
  return { name, ...(namespace === undefined ? {} : { namespace }), labels };
}
