/**
 * Versions of compiled resources: a digest of the content, so that a control plane that restarts, or a second one, gives
 * the same content the same version and a reconnecting sidecar is sent nothing it already has.
 */
import { createHash } from "node:crypto";
import type { Resource, VersionedResource } from "../../discovery/messages.ts";

/** A resource with its version, 40 hexadecimal digits. */
export function versioned(name: string, resource: Resource): VersionedResource {
  const version = createHash("sha1").update(JSON.stringify(resource)).digest("hex");
  return { name, version, resource };
}
