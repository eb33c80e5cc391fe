/** All that is installed, in an order in which it can be applied: what `weft install` prints, and `deploy/manifests` holds. */
import { stringify } from "yaml";
import { CUSTOM_KINDS, definitionOf } from "../resources/crd.ts";
import { accessManifests } from "./access.ts";
import { CA_SECRET, type InstallSettings, type Manifest, metadata } from "./settings.ts";
import { webhookManifest } from "./webhook.ts";
import { workloadManifests } from "./workload.ts";

export function manifests(settings: InstallSettings): readonly Manifest[] {
  return [
    ...(settings.crds ? CUSTOM_KINDS.map(definitionOf) : []),
    namespaceOf(settings),
    ...accessManifests(settings),
    ...(settings.caSecret === undefined ? [caSecretOf(settings)] : []),
    ...workloadManifests(settings),
    webhookManifest(settings),
  ];
}

/** As YAML documents, in which no text is one that kubectl takes for something else (`on` is true to it). */
export function manifestText(list: readonly Manifest[]): string {
  const options = { aliasDuplicateObjects: false, lineWidth: 0, compat: "yaml-1.1" } as const;
  return list.map((manifest) => stringify(manifest, options)).join("---\n");
}

/** Empty: the replica that comes first makes the CA in it. */
function caSecretOf({ namespace }: InstallSettings): Manifest {
  return { apiVersion: "v1", kind: "Secret", metadata: metadata(CA_SECRET, namespace), type: "Opaque" };
}

function namespaceOf({ namespace }: InstallSettings): Manifest {
  const { labels, ...rest } = metadata(namespace);
  const security = { "pod-security.kubernetes.io/enforce": "restricted" };
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { ...rest, labels: { ...(labels as object), ...security } },
  };
}
