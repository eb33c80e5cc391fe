/**
 * What the control plane's HTTP API answers, as its clients read it (docs/reference/api.md).
 */

import type { Issue } from "../resources/issue.ts";

export interface ResourceResult {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly action: "created" | "configured" | "unchanged" | "deleted" | "absent";
}

/** Answer of apply, delete, PUT and DELETE. */
export interface ChangeAnswer {
  /** Number to ask `/v1/changes` about. */
  readonly change: number;
  readonly results: readonly ResourceResult[];
  /** What may be a mistake and is there because of the change, such as a reference that leads nowhere now. */
  readonly warnings: readonly Issue[];
}

/** Answer of `/v1/status`. */
export interface StatusAnswer {
  /** Number of the latest change. */
  readonly change: number;
  readonly source: {
    /** `broken`: the files hold errors, and the last good state is served. */
    readonly state: "ok" | "broken";
    readonly issues: readonly Issue[];
  };
}

/** One row of `/v1/stats`: what sidecars measured of one workload behind one service. */
export interface DestinationStats {
  readonly reporter: "source" | "destination";
  readonly service: string;
  readonly namespace: string;
  readonly workload: string;
  readonly version: string;
  readonly requests: number;
  readonly failures: number;
  readonly requestsPerSecond: number;
  /** 0 to 1. */
  readonly successRate: number;
  readonly active: number;
  /** Callers that leave an instance of it out. */
  readonly leftOutBy: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface StatsAnswer {
  readonly windowMs: number;
  readonly destinations: readonly DestinationStats[];
}

/** Answer of `/v1/certificates`; times are ISO 8601. */
export interface CertificatesAnswer {
  readonly trustDomain: string;
  readonly ca: { readonly kind: "embedded" | "operator"; readonly notAfter: string; readonly phase: string };
  readonly roots: readonly {
    readonly fingerprint: string;
    readonly notAfter: string;
    readonly isSigning: boolean;
  }[];
  /** Trusted roots as PEM. */
  readonly bundle: string;
  /** The latest certificate of each identity since the control plane's start. */
  readonly items: readonly IssuedCertificate[];
}

export interface IssuedCertificate {
  /** SPIFFE id. */
  readonly identity: string;
  readonly serial: string;
  readonly by: "join_token" | "kubernetes_token" | "certificate" | "control_plane";
  readonly issuedAt: string;
  readonly notAfter: string;
  /** Fingerprint of the root above it. */
  readonly root: string;
  /** Certificates of this identity since the start. */
  readonly count: number;
}

/** Answer of a POST to `/v1/certificates`. */
export interface IssueAnswer {
  readonly identity: string;
  /** Leaf first, as PEM. */
  readonly chain: string;
  /** Trusted roots as PEM. */
  readonly bundle: string;
  readonly notAfter: string;
}

/** Answer of `/v1/tokens`. */
export interface TokenAnswer {
  readonly token: string;
  readonly identity: string;
  readonly uses: number;
  readonly expiresAt: string;
}

/** Answer of `/v1/root/rotate`. */
export interface RotationAnswer {
  readonly phase: "steady" | "distributing" | "reissuing" | "retiring";
  /** Fingerprint of the root that signs. */
  readonly root: string;
  /** Connected. */
  readonly sidecars: number;
  /** Ids of those that have not confirmed the phase. */
  readonly lacking: readonly string[];
}
