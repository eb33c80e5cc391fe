/**
 * Who is who in the mesh, as the control plane has it: its CA, the certificate of its own port, who may open which
 * stream, and what sidecars are told to trust. What is trusted goes out as one resource of the stream; that a sidecar has
 * acknowledged it is the confirmation that a change of roots waits for.
 */
import { createHash } from "node:crypto";
import type { EnrolRequest, EnrolResult } from "../discovery/enrolment.ts";
import type { Node, ResourceType, VersionedResource } from "../discovery/messages.ts";
import { MESH_SECRET } from "../discovery/messages.ts";
import { RECONNECT_MS } from "../discovery/server.ts";
import { checkLeaf } from "../identity/leaf-check.ts";
import { formatWorkloadId } from "../identity/spiffe-id.ts";
import type { Evidence } from "./ca/attestation.ts";
import { type AuditEvent, formatAudit } from "./ca/audit.ts";
import { writeBundleFile } from "./ca/bundle-file.ts";
import type { CertificateAuthority } from "./ca/certificate-authority.ts";
import { CONTROL_PLANE_ACCOUNT } from "./ca/control-plane-account.ts";
import { FilesFollower } from "./ca/files-follower.ts";
import { IssuedCertificates } from "./ca/issued.ts";
import { type Authorities, openCa } from "./ca/open.ts";
import { OwnCertificate, type OwnSecret } from "./ca/own-certificate.ts";
import { enrolmentRefusal } from "./ca/refusal.ts";
import { RotationDriver } from "./ca/rotation-driver.ts";
import type { ReviewToken } from "./ca/service-account-token.ts";
import { followShared } from "./ca/shared-follower.ts";
import type { TokenBook } from "./ca/token-book.ts";
import type { Log } from "./log.ts";
import { NO_PEERS, type Peers, type SharedRoot } from "./shared-root.ts";

export interface IdentityOptions {
  /** See `openCa`. */
  readonly caDirectory: string;
  readonly tokenDirectory: string;
  /** Kept up to date with the roots to trust, for everybody to read: what a sidecar starts with. */
  readonly bundleFile: string;
  /** Whose a service account token of Kubernetes is; absent: sidecars enrol with join tokens alone. */
  readonly reviewToken?: ReviewToken;
  /** DNS names that the control plane's own certificate holds, for the API server; default none. */
  readonly hosts?: readonly string[];
  /** How long sidecars may need to come back after this process has started, in milliseconds. Default 20,000. */
  readonly reconnectMs?: number;
  /** Whether this replica may change the root: of several only the one that leads. Default: yes. */
  readonly mayRotate?: () => boolean;
  /** Where replicas share the CA; absent: it is in `caDirectory`. */
  readonly shared?: SharedRoot;
  /** The other replicas; absent: there are none. */
  readonly peers?: Peers;
}

/** What the identity needs of the plane around it. */
export interface Surroundings {
  readonly log: Log;
  /** Ids of sidecars that have not applied this version of the mesh's secret. */
  readonly lacking: (version: string) => readonly string[];
  /** Sidecars are to be sent the secret. */
  readonly announce: () => void;
  /** Something was issued or refused. */
  readonly audited: (event: AuditEvent) => void;
}

export class PlaneIdentity {
  readonly trustDomain: string;
  readonly tokens: TokenBook;
  readonly issued: IssuedCertificates;
  readonly source: Authorities;
  readonly driver: RotationDriver | undefined;
  readonly #ca: CertificateAuthority;
  readonly #own: OwnCertificate;
  readonly #around: Surroundings;
  readonly #bundleFile: string;
  readonly #shared: SharedRoot | undefined;
  readonly #peers: Peers;
  readonly mayRotate: () => boolean;
  #follower: FilesFollower | undefined;
  readonly #onSecret: ((secret: OwnSecret) => void)[] = [];

  private constructor(
    trustDomain: string,
    parts: { readonly ca: CertificateAuthority; readonly source: Authorities; readonly tokens: TokenBook },
    issued: IssuedCertificates,
    options: IdentityOptions,
    around: Surroundings,
  ) {
    const { bundleFile, hosts = [], reconnectMs = RECONNECT_MS, mayRotate = () => true } = options;
    this.#shared = options.shared;
    this.#peers = options.peers ?? NO_PEERS;
    this.#bundleFile = bundleFile;
    this.mayRotate = mayRotate;
    this.trustDomain = trustDomain;
    this.tokens = parts.tokens;
    this.source = parts.source;
    this.issued = issued;
    this.#ca = parts.ca;
    this.#around = around;
    const workload = { trustDomain, ...CONTROL_PLANE_ACCOUNT };
    this.#own = new OwnCertificate(parts.ca, workload, hosts, (secret) => {
      for (const tell of this.#onSecret) tell(secret);
    });
    if (parts.source.kind === "embedded") {
      this.driver = new RotationDriver({
        authority: parts.source.authority,
        isConfirmed: () => this.isConfirmed,
        mayAdvance: mayRotate,
        onPhase: (phase) => {
          around.log.info({ phase }, "root rotation");
          this.#changed();
        },
        onError: (error) => around.log.error({ err: error }, "root rotation cannot go on"),
        settleMs: reconnectMs,
      });
    }
  }

  /** Opens the CA. Rejects with an Error that says why it can't be used, or the system's. */
  static async open(
    trustDomain: string,
    options: IdentityOptions,
    around: Surroundings,
  ): Promise<PlaneIdentity> {
    const issued = new IssuedCertificates();
    const audit = (event: AuditEvent) => {
      issued.add(event);
      around.audited(event);
      const { audit: what, ...fields } = JSON.parse(formatAudit(event)) as Record<string, unknown>;
      const write = event.kind === "issued" ? around.log.info : around.log.warn;
      write.call(
        around.log,
        { audit: what, ...fields },
        event.kind === "issued" ? "certificate issued" : "certificate refused",
      );
    };
    let identity: PlaneIdentity | undefined;
    const opened = await openCa({
      directory: options.caDirectory,
      tokenDirectory: options.tokenDirectory,
      trustDomain,
      audit,
      ...(options.reviewToken === undefined ? {} : { reviewToken: options.reviewToken }),
      isConfirmed: (digest) => identity?.bundle.digest === digest && identity.isConfirmed,
      ...(options.shared === undefined ? {} : { shared: options.shared }),
    });
    if (opened.kind === "unusable") throw new Error(opened.reason);
    identity = new PlaneIdentity(trustDomain, opened, issued, options, around);
    identity.#own.renew();
    identity.#publish();
    identity.#watch();
    return identity;
  }

  get bundle() {
    return this.#ca.bundle;
  }

  /** CAs whose end is everybody's: the one that signs (with the fingerprint of its root), and the trusted roots. */
  get authorities() {
    const { certificate, root } = this.source.authority.authority;
    const { notAfter } = certificate;
    return [
      { kind: "signer", fingerprint: root.fingerprint, notAfter },
      ...this.bundle.roots.map((one) => {
        const { fingerprint } = one;
        return { kind: "root", fingerprint, notAfter: one.certificate.notAfter };
      }),
    ];
  }

  /** The certificate of a port; `onChange` gets those that replace it. Undefined while the CA cannot issue. */
  portSecret(onChange: (secret: OwnSecret) => void): OwnSecret | undefined {
    this.#onSecret.push(onChange);
    return this.#own.secret;
  }

  /** The mesh's secret as sidecars get it. */
  get secret(): VersionedResource {
    const { bundle } = this.#ca;
    const root = this.source.authority.authority.root.fingerprint;
    const version = createHash("sha256").update(`${bundle.digest} ${root}`).digest("hex").slice(0, 16);
    return { name: MESH_SECRET, version, resource: { name: MESH_SECRET, bundle: bundle.pem, root } };
  }

  /** A resource of the stream that comes from here. */
  get(type: ResourceType, name: string): VersionedResource | undefined {
    return type === "secret" && name === MESH_SECRET ? this.secret : undefined;
  }

  /** Ids of sidecars that have yet to confirm what is trusted now. */
  get lacking(): readonly string[] {
    return this.#around.lacking(this.secret.version);
  }

  /** Whether every sidecar, of whichever replica, has confirmed what is trusted now. */
  get isConfirmed(): boolean {
    return this.lacking.length === 0 && this.#peers.haveConfirmed(this.secret.version);
  }

  /** Why the holder of a certificate may not be `node`. */
  readonly admit = (leaf: Uint8Array | undefined, node: Node): string | undefined => {
    if (leaf === undefined) {
      return "no client certificate that this control plane trusts: a sidecar enrols first (--join-token-file)";
    }
    const verdict = checkLeaf(leaf, { trustDomain: this.trustDomain, role: "client", now: Date.now() });
    if (verdict.kind === "refused") return `the client certificate is refused: ${verdict.reason}`;
    const { namespace, serviceAccount } = node;
    const { workload } = verdict;
    if (workload.namespace === namespace && workload.serviceAccount === serviceAccount) return undefined;
    return (
      `the client certificate is for ${verdict.id}, which is not the identity of sidecar ${node.id}: ` +
      `it says that it is of namespace ${namespace} and service account ${serviceAccount}`
    );
  };

  readonly enrol = async (request: EnrolRequest, leaf: Uint8Array | undefined): Promise<EnrolResult> => {
    const csr = Buffer.from(request.csr, "base64");
    const result = await this.#ca.enrol({ csr, evidence: evidenceIn(request, leaf) });
    if (result.kind === "issued") {
      const { chain, notAfter } = result;
      return { kind: "issued", answer: { chain, bundle: this.bundle.pem, notAfter } };
    }
    const { reason, detail, retryAfterMs } = result;
    const { text, isRetriable } = enrolmentRefusal(reason);
    const more = detail === undefined ? "" : ` (${detail})`;
    const refusal = { reason, text: `${text}${more}`, isRetriable };
    return { kind: "refused", refusal: retryAfterMs === undefined ? refusal : { ...refusal, retryAfterMs } };
  };

  readonly refusedClient = (address: string, why: string): void =>
    this.#around.log.warn({ address, reason: why }, "client certificate not trusted");

  /** A token for a service account, made `now`. Throws a RangeError where the wish is out of range, or for control planes. */
  makeToken(wish: Parameters<TokenBook["make"]>[0], now: number): string {
    const { namespace, serviceAccount } = CONTROL_PLANE_ACCOUNT;
    if (wish.namespace === namespace && wish.serviceAccount === serviceAccount) {
      throw new RangeError("no sidecar may be the control plane");
    }
    return this.tokens.make(wish, now);
  }

  /** SPIFFE id of the control plane itself. */
  get ownId(): string {
    return formatWorkloadId({ trustDomain: this.trustDomain, ...CONTROL_PLANE_ACCOUNT });
  }

  async close(): Promise<void> {
    this.driver?.close();
    this.#shared?.close();
    this.#follower?.close();
    this.#own.close();
    if (this.source.kind === "operator") this.source.authority.close();
    await this.tokens.close();
  }

  #changed(): void {
    this.#own.renew();
    this.#publish();
    this.#around.announce();
  }

  #publish(): void {
    writeBundleFile(this.#bundleFile, this.bundle.pem);
  }

  #watch(): void {
    const { source } = this;
    const { log } = this.#around;
    this.#peers.tell(() => ({ version: this.secret.version, lacking: this.lacking.length }));
    this.driver?.start();
    if (source.kind === "embedded") {
      followShared(this.#shared, source.authority, log, () => {
        this.driver?.start();
        this.#changed();
      });
      return;
    }
    const follow = new FilesFollower(source.authority, log, () => this.#changed());
    this.#follower = follow;
    source.authority.watch(
      (reload) => follow.take(reload),
      (error) => log.error({ reason: error.message }, "the CA's files are no longer watched"),
    );
  }
}

function evidenceIn({ token, kubernetesToken }: EnrolRequest, leaf: Uint8Array | undefined): Evidence {
  if (token !== undefined) return { kind: "join_token", token };
  if (kubernetesToken !== undefined) return { kind: "kubernetes_token", token: kubernetesToken };
  return leaf === undefined ? { kind: "none" } : { kind: "certificate", leaf };
}
