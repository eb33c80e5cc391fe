/** What the CA tells of its work: every certificate that it signed and every request that it refused. */
import type { EnrolmentRefusalCode } from "./refusal.ts";

export type AuditEvent =
  | {
      readonly kind: "issued";
      /** Milliseconds since 1970. */
      readonly at: number;
      /** SPIFFE id. */
      readonly identity: string;
      /** Lower-case hexadecimal. */
      readonly serial: string;
      readonly by: "join_token" | "kubernetes_token" | "certificate" | "control_plane";
      /** The join token's id, the pod of a token of Kubernetes, or the serial of the certificate shown. */
      readonly evidence: string;
      /** Milliseconds since 1970. */
      readonly notAfter: number;
      /** Fingerprint of the root above the certificate. */
      readonly root: string;
    }
  | {
      readonly kind: "refused";
      readonly at: number;
      readonly reason: EnrolmentRefusalCode;
      /** More about the reason: the fault of a certificate shown. */
      readonly detail?: string;
      /** As far as it has been attested. */
      readonly identity?: string;
    };

/** The event as one line of JSON without its end; times as ISO 8601. Nothing in it is an asker's own words. */
export function formatAudit(event: AuditEvent): string {
  const at = new Date(event.at).toISOString();
  if (event.kind === "refused") {
    const { reason, detail, identity } = event;
    return JSON.stringify({ audit: "certificate_refused", at, reason, detail, identity });
  }
  const { identity, serial, by, evidence, notAfter, root } = event;
  const expires = new Date(notAfter).toISOString();
  return JSON.stringify({ audit: "certificate_issued", at, identity, serial, by, evidence, expires, root });
}
