/**
 * The admission webhook's registration: namespaces that ask for it by label, never those of the cluster or our own, so that a
 * control plane that is away keeps nothing of the cluster itself from starting. The control plane fills in `caBundle`.
 */
import { type InstallSettings, type Manifest, metadata, NAME, PORTS, WEBHOOK } from "./settings.ts";

const LABEL = "weft.dev/inject";
const OF_CLUSTER = ["kube-system", "kube-public", "kube-node-lease"] as const;

export function webhookManifest({ namespace, failurePolicy }: InstallSettings): Manifest {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: metadata(WEBHOOK),
    webhooks: [
      {
        name: "namespace.inject.weft.dev",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        reinvocationPolicy: "IfNeeded",
        failurePolicy,
        timeoutSeconds: 10,
        clientConfig: { service: { name: NAME, namespace, path: "/inject", port: PORTS.webhook } },
        rules: [
          {
            apiGroups: [""],
            apiVersions: ["v1"],
            resources: ["pods"],
            operations: ["CREATE"],
            scope: "Namespaced",
          },
        ],
        namespaceSelector: {
          matchExpressions: [
            { key: LABEL, operator: "In", values: ["true"] },
            { key: "kubernetes.io/metadata.name", operator: "NotIn", values: [...OF_CLUSTER, namespace] },
          ],
        },
        objectSelector: { matchExpressions: [{ key: LABEL, operator: "NotIn", values: ["false"] }] },
      },
    ],
  };
}
