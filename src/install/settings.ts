/** What differs from one installation to the next. */

export interface InstallSettings {
  readonly namespace: string;
  readonly image: string;
  /** Secret with the operator's CA (`tls.crt`, `tls.key`, `ca.crt`); absent: one is made, and kept on a volume. */
  readonly caSecret: string | undefined;
  /** More than one needs `caSecret`: replicas must have the same CA. */
  readonly replicas: number;
}

export const DEFAULT_INSTALL: InstallSettings = {
  namespace: "weft-system",
  image: "weft:latest",
  caSecret: undefined,
  replicas: 1,
};

/** What everything of the control plane is called: also the Lease, and the host that sidecars know. */
export const NAME = "weft-control-plane";
/** MutatingWebhookConfiguration. */
export const WEBHOOK = "weft";

export const PORTS = { discovery: 15_012, api: 15_014, webhook: 15_017 } as const;

export type Manifest = { readonly [key: string]: unknown };

/** Labels by which the control plane's pods are found. */
export const SELECTOR = { "app.kubernetes.io/name": NAME } as const;

export function metadata(name: string, namespace?: string): Manifest {
  const labels = { ...SELECTOR, "app.kubernetes.io/part-of": "weft" };
  return { name, ...(namespace === undefined ? {} : { namespace }), labels };
}
