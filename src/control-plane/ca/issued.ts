/** The latest certificate of each identity that this control plane has issued since its start, for `weft cert list`. */
import type { AuditEvent } from "./audit.ts";

/** Identities remembered; the oldest are forgotten first. */
const MAX_IDENTITIES = 20_000;

export type IssuedCertificate = Extract<AuditEvent, { kind: "issued" }> & {
  /** Certificates of this identity since the start. */
  readonly count: number;
};

export class IssuedCertificates {
  readonly #byIdentity = new Map<string, IssuedCertificate>();

  add(event: AuditEvent): void {
    if (event.kind !== "issued") return;
    const count = (this.#byIdentity.get(event.identity)?.count ?? 0) + 1;
    this.#byIdentity.delete(event.identity);
    this.#byIdentity.set(event.identity, { ...event, count });
    const oldest = this.#byIdentity.keys().next().value;
    if (this.#byIdentity.size > MAX_IDENTITIES && oldest !== undefined) this.#byIdentity.delete(oldest);
  }

  /** By identity. */
  list(): readonly IssuedCertificate[] {
    return [...this.#byIdentity.values()].sort((a, b) => (a.identity < b.identity ? -1 : 1));
  }
}
