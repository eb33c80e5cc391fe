/**
 * As much of a Kubernetes pod as injection looks at (core/v1 PodSpec). Fields that are not named here are kept as they are,
 * so nothing is lost of what a newer cluster knows.
 */

export type TextMap = Readonly<Record<string, string>>;

export interface Pod {
  readonly metadata?: Metadata;
  readonly spec: PodSpec;
}

export interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: TextMap;
  readonly annotations?: TextMap;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Named[];
  readonly hostNetwork?: boolean;
  readonly securityContext?: SecurityContext;
  readonly restartPolicy?: string;
  readonly os?: { readonly name?: string };
  readonly nodeSelector?: TextMap;
  /** Of all containers together. */
  readonly resources?: object;
  readonly terminationGracePeriodSeconds?: number;
}

export interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
}

export interface Named {
  readonly name: string;
}

export interface Container extends Named {
  readonly image?: string;
  readonly ports?: readonly ContainerPort[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext?: SecurityContext;
  /** `Always` on an init container makes it a native sidecar. */
  readonly restartPolicy?: string;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly lifecycle?: { readonly postStart?: Handler; readonly preStop?: Handler };
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
}

/** One of its kinds is set; `exec` and `sleep` are not looked at. */
export interface Handler {
  readonly httpGet?: HttpGet;
  readonly tcpSocket?: TcpSocket;
  readonly grpc?: { readonly port: number; readonly service?: string };
}

export interface Probe extends Handler {
  readonly timeoutSeconds?: number;
}

export interface HttpGet {
  readonly host?: string;
  readonly path?: string;
  readonly port: number | string;
  /** Default `HTTP`. */
  readonly scheme?: string;
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

export interface TcpSocket {
  readonly host?: string;
  readonly port: number | string;
}

/** What Weft adds goes by these names; nobody else may use them. */
export const INIT_CONTAINER = "weft-init";
export const SIDECAR_CONTAINER = "weft-sidecar";
/** Says that, and how, a pod has been injected. */
export const STATUS_ANNOTATION = "weft.dev/status";
/** Tells the control plane that a pod has a sidecar. */
export const INJECTED_ANNOTATION = "weft.dev/injected";
export const INJECT_KEY = "weft.dev/inject";
