/**
 * Opens the CA of a control plane: that of all replicas, the operator's where a directory holds one, else the embedded one, with the
 * join tokens beside it. Tokens are counted in a directory of our own: the operator's may be a mounted Secret, which nobody can write.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SharedRoot } from "../shared-root.ts";
import type { AuditEvent } from "./audit.ts";
import { CertificateAuthority } from "./certificate-authority.ts";
import { EmbeddedAuthority } from "./embedded-authority.ts";
import { LEAF_LIFE_MS } from "./issue.ts";
import type { ReviewToken } from "./service-account-token.ts";
import { type OpenedTokenBook, TokenBook } from "./token-book.ts";
import { WatchedAuthority } from "./watched-authority.ts";

/** What tells that a directory is an operator's. */
const OPERATOR_FILES = ["tls.crt", "ca-cert.pem"] as const;

export interface CaOptions {
  /** Where the CA is, or is to be made. */
  readonly directory: string;
  /** Where tokens are counted if the CA is the operator's. */
  readonly tokenDirectory: string;
  readonly trustDomain: string;
  readonly audit: (event: AuditEvent) => void;
  readonly reviewToken?: ReviewToken;
  /** Whether every sidecar has confirmed the bundle of this digest. */
  readonly isConfirmed: (digest: string) => boolean;
  /** Where replicas share the CA; absent: it is in `directory`. */
  readonly shared?: SharedRoot;
}

export type Authorities =
  | { readonly kind: "embedded"; readonly authority: EmbeddedAuthority }
  | { readonly kind: "operator"; readonly authority: WatchedAuthority };

export type OpenedCa =
  | {
      readonly kind: "ca";
      readonly ca: CertificateAuthority;
      readonly source: Authorities;
      readonly tokens: TokenBook;
    }
  | { readonly kind: "unusable"; readonly reason: string };

/** Tokens of one control plane are for the cluster of that name; one file source is one cluster. */
export const CLUSTER = "local";

/** Opens everything. Rejects with the system's errors. */
export async function openCa(options: CaOptions): Promise<OpenedCa> {
  const { trustDomain, audit } = options;
  const source = await openAuthority(options);
  if (source.kind === "unusable") return source;
  const book = openTokens(options, source);
  if (book.kind === "unusable") return book;
  const tokens = book.book;
  const clocks = { wallClock: Date.now, monotonicClock: () => performance.now() };
  const { reviewToken } = options;
  const ca = new CertificateAuthority({
    trustDomain,
    source: source.authority,
    tokens,
    audit,
    ...(reviewToken === undefined ? {} : { reviewToken }),
    ...clocks,
  });
  return { kind: "ca", ca, source, tokens };
}

function openTokens(options: CaOptions, source: Authorities): OpenedTokenBook {
  const { directory, tokenDirectory, trustDomain, shared } = options;
  const audience = { trustDomain, cluster: CLUSTER };
  if (shared !== undefined) {
    return { kind: "book", book: TokenBook.shared(shared.tokenKey, shared.tokenUses, audience) };
  }
  return TokenBook.open(source.kind === "embedded" ? directory : tokenDirectory, audience, Date.now());
}

async function openAuthority(
  options: CaOptions,
): Promise<Authorities | Extract<OpenedCa, { kind: "unusable" }>> {
  const { directory, trustDomain, isConfirmed, shared } = options;
  if (shared !== undefined) {
    const opened = await EmbeddedAuthority.openShared(shared, trustDomain, Date.now());
    return opened.kind === "unusable" ? opened : { kind: "embedded", authority: opened.authority };
  }
  if (OPERATOR_FILES.some((name) => existsSync(join(directory, name)))) {
    const watched = { directory, wallClock: Date.now, leafLifeMs: LEAF_LIFE_MS, isConfirmed };
    const opened = WatchedAuthority.open(watched);
    if (opened.kind === "unusable") {
      return { kind: "unusable", reason: `${directory}: ${opened.fault}: ${opened.detail}` };
    }
    return { kind: "operator", authority: opened.authority };
  }
  const opened = EmbeddedAuthority.open(directory, trustDomain, Date.now());
  return opened.kind === "unusable" ? opened : { kind: "embedded", authority: opened.authority };
}
