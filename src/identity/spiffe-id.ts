/**
 * SPIFFE ids: `spiffe://<trust domain>/<path>`, to the byte as the SPIFFE-ID standard (§2) has them: no port, no user, no
 * query, no percent-encoding, no normalisation of any kind. An id is compared as a string; so there must be one spelling,
 * and what is not in that spelling is refused, never repaired. Weft's own shape is `/ns/<namespace>/sa/<service account>`.
 */

/** Longest id in bytes (SPIFFE-ID §2.3). */
export const MAX_SPIFFE_ID_BYTES = 2048;
/** Longest trust domain in bytes (SPIFFE-ID §2.1). */
export const MAX_TRUST_DOMAIN_BYTES = 255;

export const SPIFFE_ID_FAULTS = [
  "too_long",
  "not_spiffe",
  "no_trust_domain",
  "trust_domain_too_long",
  "trust_domain_character",
  "empty_segment",
  "trailing_slash",
  "dot_segment",
  "path_character",
] as const;
export type SpiffeIdFault = (typeof SPIFFE_ID_FAULTS)[number];

export interface SpiffeId {
  readonly trustDomain: string;
  /** Empty for the trust domain itself, else starts with a slash. */
  readonly path: string;
}

/** An id in Weft's shape. */
export interface WorkloadId {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export type ParsedSpiffeId =
  | { readonly kind: "id"; readonly id: SpiffeId }
  | { readonly kind: "invalid"; readonly fault: SpiffeIdFault };

const SCHEME = "spiffe://";
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^[a-zA-Z0-9._-]+$/;

/** Reads an id, with or without a path. */
export function parseSpiffeId(text: string): ParsedSpiffeId {
  // Every character that gets through below is one byte, so the count of UTF-16 units will do.
  if (text.length > MAX_SPIFFE_ID_BYTES) return invalid("too_long");
  if (!text.startsWith(SCHEME)) return invalid("not_spiffe");
  const slash = text.indexOf("/", SCHEME.length);
  const trustDomain = text.slice(SCHEME.length, slash === -1 ? undefined : slash);
  const path = slash === -1 ? "" : text.slice(slash);
  const fault = trustDomainFault(trustDomain) ?? pathFault(path);
  return fault === undefined ? { kind: "id", id: { trustDomain, path } } : invalid(fault);
}

/** What is wrong with a trust domain, if anything. */
export function trustDomainFault(text: string): SpiffeIdFault | undefined {
  if (text === "") return "no_trust_domain";
  if (text.length > MAX_TRUST_DOMAIN_BYTES) return "trust_domain_too_long";
  return TRUST_DOMAIN.test(text) ? undefined : "trust_domain_character";
}

/** Inverse of `parseSpiffeId`. */
export function formatSpiffeId(id: SpiffeId): string {
  return `${SCHEME}${id.trustDomain}${id.path}`;
}

/**
 * The id of a service account. Throws a RangeError on names that no id can hold: those come from our own resources, which
 * are checked long before.
 */
export function formatWorkloadId(workload: WorkloadId): string {
  const path = `/ns/${workload.namespace}/sa/${workload.serviceAccount}`;
  const text = formatSpiffeId({ trustDomain: workload.trustDomain, path });
  const back = parseSpiffeId(text);
  if (back.kind === "invalid" || workloadOf(back.id)?.serviceAccount !== workload.serviceAccount) {
    throw new RangeError(`no SPIFFE id for ${JSON.stringify(workload)}`);
  }
  return text;
}

/** The service account that an id names; undefined where its path has another shape. */
export function workloadOf(id: SpiffeId): WorkloadId | undefined {
  const [root, ns, namespace, sa, serviceAccount, ...more] = id.path.split("/");
  if (root !== "" || ns !== "ns" || sa !== "sa" || more.length > 0) return undefined;
  if (namespace === undefined || serviceAccount === undefined) return undefined;
  return { trustDomain: id.trustDomain, namespace, serviceAccount };
}

function pathFault(path: string): SpiffeIdFault | undefined {
  if (path === "") return undefined;
  if (path.endsWith("/")) return "trailing_slash";
  for (const segment of path.slice(1).split("/")) {
    if (segment === "") return "empty_segment";
    if (segment === "." || segment === "..") return "dot_segment";
    if (!SEGMENT.test(segment)) return "path_character";
  }
  return undefined;
}

function invalid(fault: SpiffeIdFault): ParsedSpiffeId {
  return { kind: "invalid", fault };
}
