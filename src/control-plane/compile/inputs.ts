/**
 * What the compiler reads of resources: the shapes of Service, Workload, TrafficPolicy, MeshConfig and HTTPRoute that
 * matter to it, and nothing else. `src/resources` has validated them; what is absent here takes its default here.
 */
export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** RFC 3339; the older of two equal routes wins. */
  readonly creationTimestamp?: string | undefined;
}

export interface ServicePortSpec {
  readonly name?: string | undefined;
  readonly port: number;
  /** Name or number of the workload's port; absent: `port`. */
  readonly targetPort?: number | string | undefined;
  readonly appProtocol?: string | undefined;
  readonly protocol?: string | undefined;
}

export interface ServiceInput {
  readonly metadata: Metadata;
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>> | undefined;
    readonly ports?: readonly ServicePortSpec[] | undefined;
    /** Virtual address; `None` and nothing: it has none. */
    readonly clusterIP?: string | undefined;
    readonly clusterIPs?: readonly string[] | undefined;
    readonly type?: string | undefined;
    readonly externalName?: string | undefined;
  };
}

export interface WorkloadInput {
  readonly metadata: Metadata;
  readonly spec: {
    readonly address?: string | undefined;
    readonly ports?: Readonly<Record<string, number | undefined>> | undefined;
    readonly inboundPort?: number | undefined;
    readonly intercepted?: boolean | undefined;
    /** Which of its ports an intercepting sidecar takes; absent: all. */
    readonly takenPorts?: TakenPorts | undefined;
    readonly serviceAccount?: string | undefined;
    readonly weight?: number | undefined;
    readonly zone?: string | undefined;
  };
}

/** `only`: no others; absent: all but `except`. */
export interface TakenPorts {
  readonly only?: readonly number[];
  readonly except: readonly number[];
}

/** Where an instance really listens; overrides those fields of its Workload (`--addresses`). */
export interface WorkloadAddress {
  readonly address?: string;
  readonly ports?: Readonly<Record<string, number>>;
  readonly inboundPort?: number;
}

/** By workload id, `<namespace>/<name>`. */
export type Addresses = Readonly<Record<string, WorkloadAddress>>;

export const NO_ADDRESSES: Addresses = {};

/** Key of a namespaced object. */
export function idOf(metadata: { readonly namespace: string; readonly name: string }): string {
  return `${metadata.namespace}/${metadata.name}`;
}
