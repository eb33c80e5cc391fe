/**
 * The control plane's own certificate, for the ports that sidecars and the API server connect to: issued by its own CA, renewed as those of
 * sidecars are, and at once when another root signs or the set of trusted roots is another.
 */
import { type Key, makeKey, privateKeyPem } from "../../identity/key.ts";
import { renewalDelayMs, retryDelayMs } from "../../identity/renewal.ts";
import type { WorkloadId } from "../../identity/spiffe-id.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";

/** Longest sleep before the wall clock is looked at again: it may have jumped. */
const LOOK_MS = 3_600_000;

/** All PEM. */
export interface OwnSecret {
  readonly key: string;
  readonly chain: string;
  readonly bundle: string;
}

export class OwnCertificate {
  readonly #ca: CertificateAuthority;
  readonly #workload: WorkloadId;
  readonly #hosts: readonly string[];
  readonly #onChange: (secret: OwnSecret) => void;
  #secret: OwnSecret | undefined;
  #validity = { notBefore: 0, notAfter: 0 };
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `hosts`: DNS names that it holds, too. `onChange` gets each secret after the first. */
  constructor(
    ca: CertificateAuthority,
    workload: WorkloadId,
    hosts: readonly string[],
    onChange: (secret: OwnSecret) => void,
  ) {
    this.#ca = ca;
    this.#hosts = hosts;
    this.#workload = workload;
    this.#onChange = onChange;
  }

  /** Undefined while the CA cannot issue. */
  get secret(): OwnSecret | undefined {
    return this.#secret;
  }

  /** Asks for a new one now; false where the CA refuses, which is tried again by itself. */
  renew(): boolean {
    clearTimeout(this.#timer);
    const key: Key = makeKey();
    const now = Date.now();
    const issued = this.#ca.issueOwn(this.#workload, key.publicKey, this.#hosts);
    if (issued.kind === "refused") {
      this.#failures += 1;
      this.#sleep(retryDelayMs(this.#failures, Math.random()), () => this.renew());
      return false;
    }
    this.#failures = 0;
    this.#validity = { notBefore: now, notAfter: issued.notAfter };
    const isFirst = this.#secret === undefined;
    this.#secret = { key: privateKeyPem(key), chain: issued.chain, bundle: this.#ca.bundle.pem };
    this.#await(Math.random());
    if (!isFirst) this.#onChange(this.#secret);
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #await(random: number): void {
    const delay = renewalDelayMs(this.#validity, Date.now(), random);
    if (delay > LOOK_MS) this.#sleep(LOOK_MS, () => this.#await(random));
    else this.#sleep(delay, () => this.renew());
  }

  #sleep(ms: number, run: () => void): void {
    this.#timer = setTimeout(run, ms).unref();
  }
}
