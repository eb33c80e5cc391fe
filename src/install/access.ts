/**
 * What the control plane may do in the cluster, and nothing else: read what it compiles, write statuses and the trust bundle, ask
 * whose a token is, keep its Lease, what replicas tell each other, its own CA and that of its webhook.
 */
import { CUSTOM_KINDS } from "../resources/crd.ts";
import { pluralOf } from "../resources/plural.ts";
import {
  CA_SECRET,
  type InstallSettings,
  type Manifest,
  metadata,
  NAME,
  REPLICAS,
  TOKEN_USES,
  WEBHOOK,
} from "./settings.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
const READ = ["list", "watch"] as const;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** In all namespaces. */
export function clusterRules(): readonly Rule[] {
  const ours = CUSTOM_KINDS.map(pluralOf);
  return [
    { apiGroups: [""], resources: ["services", "pods", "namespaces", "serviceaccounts"], verbs: READ },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: READ },
    { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: READ },
    { apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes", "tcproutes"], verbs: READ },
    {
      apiGroups: ["gateway.networking.k8s.io"],
      resources: ["httproutes/status", "tcproutes/status"],
      verbs: ["patch"],
    },
    { apiGroups: ["weft.dev"], resources: ours, verbs: READ },
    { apiGroups: ["weft.dev"], resources: ours.map((plural) => `${plural}/status`), verbs: ["patch"] },
    // To create can't be granted by name.
    { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
    {
      apiGroups: [""],
      resources: ["configmaps"],
      resourceNames: ["weft-trust-bundle"],
      verbs: ["patch"],
    },
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["mutatingwebhookconfigurations"],
      resourceNames: [WEBHOOK],
      verbs: ["get", "update"],
    },
  ];
}

/** In its own namespace. The operator's CA is mounted: nobody need read its Secret. */
export function ownRules({ caSecret }: Pick<InstallSettings, "caSecret">): readonly Rule[] {
  const group = { apiGroups: ["coordination.k8s.io"], resources: ["leases"] };
  const core = (resource: string, name: string, verbs: readonly string[]) => ({
    apiGroups: [""],
    resources: [resource],
    resourceNames: [name],
    verbs,
  });
  return [
    { ...group, verbs: ["create"] },
    { ...group, resourceNames: [NAME], verbs: ["get", "update"] },
    core("configmaps", REPLICAS, ["get", "patch"]),
    ...(caSecret === undefined
      ? [core("configmaps", TOKEN_USES, ["get", "update"]), core("secrets", CA_SECRET, ["get", "update"])]
      : []),
  ];
}

export function accessManifests(settings: InstallSettings): readonly Manifest[] {
  const { namespace } = settings;
  const subjects = [{ kind: "ServiceAccount", name: NAME, namespace }];
  const roleRef = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: NAME });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: metadata(NAME, namespace) },
    { apiVersion: RBAC, kind: "ClusterRole", metadata: metadata(NAME), rules: clusterRules() },
    {
      apiVersion: RBAC,
      kind: "ClusterRoleBinding",
      metadata: metadata(NAME),
      roleRef: roleRef("ClusterRole"),
      subjects,
    },
    { apiVersion: RBAC, kind: "Role", metadata: metadata(NAME, namespace), rules: ownRules(settings) },
    {
      apiVersion: RBAC,
      kind: "RoleBinding",
      metadata: metadata(NAME, namespace),
      roleRef: roleRef("Role"),
      subjects,
    },
  ];
}
