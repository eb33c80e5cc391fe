/**
 * Versions of compiled resources: a digest of the content, so that a control plane that restarts, or a second one, gives
 * the same content the same version and a reconnecting sidecar is sent nothing it already has.
 */
import { createHash } from "node:crypto";
import type { Resource, VersionedResource } from "../../discovery/messages.ts";
import type { PolicyResource } from "../../discovery/policy.ts";

/** A resource with its version, 40 hexadecimal digits. */
export function versioned(name: string, resource: Resource): VersionedResource {
  const version = createHash("sha1").update(JSON.stringify(resource)).digest("hex");
  return { name, version, resource };
}

const digests = new WeakMap<object, string>();

/** The same of a policy: hundreds of sidecars share the parts of theirs, whose digests are made once. */
export function versionedPolicy(policy: PolicyResource): VersionedResource {
  const { policies, ...rest } = policy;
  const hash = createHash("sha1").update(JSON.stringify(rest));
  for (const rules of policies) {
    let digest = digests.get(rules);
    if (digest === undefined) {
      digest = createHash("sha1").update(JSON.stringify(rules)).digest("hex");
      digests.set(rules, digest);
    }
    hash.update(digest);
  }
  return { name: policy.name, version: hash.digest("hex"), resource: policy };
}
