/** What the API calls a kind: the last part of its path and of its definition's name. */
import { KIND_TABLES, type Kind } from "./resource.ts";

/** `ratelimits`, `trafficpolicies`. */
export function pluralOf(kind: Kind): string {
  return `${kind.toLowerCase()}s`.replace(/ys$/, "ies");
}

/** Path of all resources of a kind: `/apis/weft.dev/v1alpha1/ratelimits`. */
export function listPath(kind: Kind): string {
  const { apiVersion } = KIND_TABLES[kind];
  return `${apiVersion.includes("/") ? "/apis" : "/api"}/${apiVersion}/${pluralOf(kind)}`;
}

/** Path of one; `namespace` is empty for what belongs to the cluster as a whole. */
export function objectPath(kind: Kind, namespace: string, name: string): string {
  const path = listPath(kind);
  if (namespace === "") return `${path}/${name}`;
  const cut = path.lastIndexOf("/");
  return `${path.slice(0, cut)}/namespaces/${namespace}${path.slice(cut)}/${name}`;
}
