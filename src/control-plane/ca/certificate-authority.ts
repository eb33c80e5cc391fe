/**
 * The CA: takes a certificate request with evidence of who asks, and gives a chain or says why not. Checks are ordered by
 * what they cost: structure, evidence, the identity's rate, the request's signature; then a token's use, which a request
 * that fails must not eat; then nothing can fail any more.
 */

import { formatPem } from "../../identity/pem.ts";
import { formatWorkloadId, type WorkloadId } from "../../identity/spiffe-id.ts";
import type { TrustBundle } from "../../identity/trust-bundle.ts";
import { type Attested, attest, type Evidence } from "./attestation.ts";
import type { AuditEvent } from "./audit.ts";
import type { AuthoritySource } from "./authority.ts";
import { CONTROL_PLANE_ACCOUNT } from "./control-plane-account.ts";
import { isSignedByItsKey, readCsr } from "./csr-check.ts";
import { canIssue, issueLeaf, LEAF_LIFE_MS } from "./issue.ts";
import { type RateLimit, RateLimiter } from "./rate-limit.ts";
import type { EnrolmentRefusalCode } from "./refusal.ts";
import type { ReviewToken } from "./service-account-token.ts";
import type { TokenBook } from "./token-book.ts";

/**
 * A service account's replicas share an identity, so the limit is one for a whole deployment: a thousand may start at
 * once; what a stolen identity costs the CA stays below a twentieth of a core.
 */
export const DEFAULT_RATE_LIMIT: RateLimit = { burst: 1000, perSecond: 100, maxKeys: 10_000 };

export interface AuthorityOptions {
  readonly trustDomain: string;
  readonly source: AuthoritySource;
  readonly tokens: TokenBook;
  /** Whose a service account token of Kubernetes is; absent: they are refused. */
  readonly reviewToken?: ReviewToken;
  readonly audit: (event: AuditEvent) => void;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicClock: () => number;
  /** Life of a leaf in ms; default 24 h. */
  readonly leafLifeMs?: number;
  readonly rateLimit?: RateLimit;
}

export interface EnrolmentRequest {
  /** PKCS #10 as DER. */
  readonly csr: Uint8Array;
  readonly evidence: Evidence;
}

export interface Issued {
  readonly kind: "issued";
  /** Leaf first, without the root, as PEM. */
  readonly chain: string;
  /** SPIFFE id. */
  readonly identity: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

export type Enrolment =
  | Issued
  | {
      readonly kind: "refused";
      readonly reason: EnrolmentRefusalCode;
      readonly detail?: string;
      /** After how many ms to ask again; only with `rate_limited`. */
      readonly retryAfterMs?: number;
    };

type Refused = Extract<Enrolment, { kind: "refused" }>;

export class CertificateAuthority {
  readonly #options: AuthorityOptions;
  readonly #limiter: RateLimiter;

  constructor(options: AuthorityOptions) {
    this.#options = options;
    this.#limiter = new RateLimiter(options.rateLimit ?? DEFAULT_RATE_LIMIT);
  }

  /** What sidecars are to trust now. */
  get bundle(): TrustBundle {
    return this.#options.source.bundle;
  }

  /** Signs a sidecar's key, if the evidence says who it is. Rejects only with what `audit` throws. */
  async enrol({ csr, evidence }: EnrolmentRequest): Promise<Enrolment> {
    const { source, tokens, wallClock, monotonicClock } = this.#options;
    const now = wallClock();
    const request = readCsr(csr);
    if (request.kind === "refused") return this.#refuse(request);
    const attested = await attest(evidence, this.#options, now);
    if (attested.kind === "refused") return this.#refuse(attested);
    const identity = formatWorkloadId(attested.workload);
    const refuse = (reason: EnrolmentRefusalCode, more: { readonly retryAfterMs?: number } = {}) =>
      this.#refuse({ kind: "refused", reason, ...more }, identity);
    if (isControlPlane(attested)) return refuse("control_plane_account");
    if (!canIssue(source.authority, now)) return refuse("authority_expired");
    const retryAfterMs = this.#limiter.take(identity, monotonicClock());
    if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
    if (!isSignedByItsKey(request)) return refuse("csr_signature");
    if (attested.by === "join_token") {
      const redeemed = await tokens.redeem(attested.claims, now);
      if (redeemed !== "redeemed") return refuse(redeemed);
    }
    return this.#issue(identity, request.publicKey, attested.by, evidenceOf(attested));
  }

  /** Signs a key of the control plane itself. `publicKey` is a SubjectPublicKeyInfo as DER; `hosts` are its DNS names. */
  issueOwn(workload: WorkloadId, publicKey: Uint8Array, hosts: readonly string[] = []): Enrolment {
    const { source, wallClock } = this.#options;
    const identity = formatWorkloadId(workload);
    if (!canIssue(source.authority, wallClock())) {
      return this.#refuse({ kind: "refused", reason: "authority_expired" }, identity);
    }
    return this.#issue(identity, publicKey, "control_plane", "", hosts);
  }

  #issue(
    identity: string,
    publicKey: Uint8Array,
    by: Attested["by"] | "control_plane",
    evidence: string,
    hosts: readonly string[] = [],
  ): Issued {
    const { source, leafLifeMs, wallClock, audit } = this.#options;
    const { authority } = source;
    const now = wallClock();
    const lifeMs = leafLifeMs ?? LEAF_LIFE_MS;
    const { der, serial, notAfter } = issueLeaf(authority, { id: identity, hosts, publicKey, now, lifeMs });
    audit({
      kind: "issued",
      at: now,
      identity,
      serial,
      by,
      evidence,
      notAfter,
      root: authority.root.fingerprint,
    });
    const chain = [der, ...authority.chain].map((der) => formatPem("CERTIFICATE", der)).join("");
    return { kind: "issued", chain, identity, notAfter };
  }

  #refuse(refused: Refused, identity?: string): Refused {
    const { reason, detail } = refused;
    this.#options.audit({
      kind: "refused",
      at: this.#options.wallClock(),
      reason,
      ...(detail === undefined ? {} : { detail }),
      ...(identity === undefined ? {} : { identity }),
    });
    return refused;
  }
}

/** Its certificates are made here, and are never renewed over the wire. */
function isControlPlane({ by, workload: { namespace, serviceAccount } }: Attested): boolean {
  const own = CONTROL_PLANE_ACCOUNT;
  return by !== "certificate" && namespace === own.namespace && serviceAccount === own.serviceAccount;
}

function evidenceOf(attested: Attested): string {
  switch (attested.by) {
    case "join_token":
      return attested.claims.id;
    case "kubernetes_token":
      return attested.pod;
    case "certificate":
      return attested.serial;
  }
}
