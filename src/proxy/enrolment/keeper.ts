/**
 * Keeps a sidecar's certificate: enrols with a token, renews with the certificate before at half of its life, and sooner
 * when another root is to stand above it. Whatever fails is tried again with back-off, and what is held stays in use: an
 * absent control plane costs nothing until the certificate ends. Keys are made for each attempt and live in memory alone.
 */
import type { EnrolRequest, EnrolResult } from "../../discovery/enrolment.ts";
import { makeCsr } from "../../identity/csr.ts";
import { makeKey } from "../../identity/key.ts";
import { renewalDelayMs, retryDelayMs } from "../../identity/renewal.ts";
import { acceptChain, type Svid } from "../../identity/svid.ts";
import { parseBundle, type TrustBundle } from "../../identity/trust-bundle.ts";
import type { TrustFile } from "./trust-file.ts";

/** Longest sleep before the wall clock is looked at again: it may have jumped. More than the least renewal delay. */
const LOOK_MS = 300_000;
/** Sidecars that hear at once of another root ask within this time, in milliseconds. */
const REISSUE_SPREAD_MS = 1_000;
/** After a token that is for somebody else, in milliseconds. */
const OTHER_IDENTITY_RETRY_MS = 60_000;

export interface KeeperTimers {
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Calls `run` once, `ms` later by a clock that never goes back; the result takes that back. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** Gives a new certificate or new roots to the traffic loops; resolves when all of them have it. */
export type OnSecret = (svid: Svid, bundle: TrustBundle) => Promise<void>;

/** One of the two. */
export type EnrolToken = Pick<EnrolRequest, "token" | "kubernetesToken">;

export interface KeeperOptions {
  readonly trustDomain: string;
  /** The SPIFFE id that this sidecar is to get. */
  readonly id: string;
  /** Where trust begins. */
  readonly trust: TrustFile;
  /** A token to enrol with, read at each use; undefined where there is none. */
  readonly token: () => EnrolToken | undefined;
  /** Asks the control plane, showing `svid` if given. Rejects where it can't be reached. */
  readonly ask: (request: EnrolRequest, bundle: TrustBundle, svid: Svid | undefined) => Promise<EnrolResult>;
  readonly warn: (message: string) => void;
  readonly timers: KeeperTimers;
}

export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #enrolled = Promise.withResolvers<void>();
  readonly #counts = { success: 0, failure: 0 };
  #onSecret: OnSecret = async () => {};
  #bundle: TrustBundle;
  /** The roots came from the control plane, which from then on says what is trusted. */
  #isBundleFollowed = false;
  #svid: Svid | undefined;
  /** The certificate held was refused: the next attempt shows a token. */
  #isRefused = false;
  /** Root that must stand above the certificate, and who waits for that. */
  #wanted: { readonly root: string; readonly done: () => void } | undefined;
  #isAsking = false;
  #failures = 0;
  #lastFailure = "";
  #cancel: () => void = () => {};
  #isClosed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#bundle = options.trust.bundle;
  }

  /** Begins; what comes of it goes to `onSecret`. */
  start(onSecret: OnSecret): void {
    this.#onSecret = onSecret;
    this.#sleep(0, () => this.#ask());
  }

  /** Resolves with the first certificate. */
  get enrolled(): Promise<void> {
    return this.#enrolled.promise;
  }

  /** Undefined before the first; it may have expired. */
  get svid(): Svid | undefined {
    return this.#svid;
  }

  /** What is trusted now. */
  get bundle(): TrustBundle {
    return this.#bundle;
  }

  get trustDomain(): string {
    return this.#options.trustDomain;
  }

  /** Attempts since the start, by what came of them. */
  get counts(): { readonly success: number; readonly failure: number } {
    return this.#counts;
  }

  /** Why the last attempt failed; empty after one that did not. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** Why there is no certificate that is valid now; empty where there is one. */
  get fault(): string {
    const svid = this.#svid;
    if (svid !== undefined && this.#options.timers.wallClock() < svid.notAfter) return "";
    const what = svid === undefined ? "not enrolled yet" : "it has expired";
    return this.#lastFailure === "" ? what : `${what}; ${this.#lastFailure}`;
  }

  /** Trusts other roots from now on; resolves when the loops do and the certificate stands under `root`. */
  async follow(bundle: TrustBundle, root: string): Promise<void> {
    this.#isBundleFollowed = true;
    if (bundle.digest !== this.#bundle.digest) {
      this.#bundle = bundle;
      if (this.#svid !== undefined) await this.#onSecret(this.#svid, bundle);
    }
    if (this.#svid?.root === root) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wanted = { root, done: resolve };
    this.#sleep(this.#options.timers.random() * REISSUE_SPREAD_MS, () => this.#ask());
    await promise;
  }

  /** The connection to the control plane could not be verified: roots that have come into the file since are taken. */
  planeNotTrusted(): void {
    const fresh = this.#options.trust.reread();
    if (fresh === undefined || fresh.digest === this.#bundle.digest) return;
    this.#bundle = fresh;
    if (this.#svid !== undefined) void this.#onSecret(this.#svid, fresh);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #ask(): void {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    void this.#attempt().then((outcome) => {
      this.#isAsking = false;
      if (this.#isClosed) return;
      if (outcome === undefined) this.#succeeded();
      else this.#failed(outcome.why, outcome.retryAfterMs);
    });
  }

  /** Undefined when a new certificate is in use. */
  async #attempt(): Promise<{ readonly why: string; readonly retryAfterMs?: number } | undefined> {
    const { trustDomain, id, token, ask, timers } = this.#options;
    const held = this.#svid;
    const isValid = held !== undefined && timers.wallClock() < held.notAfter;
    const enrolToken = isValid && !this.#isRefused ? undefined : token();
    const shown = isValid && enrolToken === undefined ? held : undefined;
    if (shown === undefined && enrolToken === undefined) return { why: "no token to enrol with" };
    const key = makeKey();
    const csr = makeCsr(key).toString("base64");
    let result: EnrolResult;
    try {
      result = await ask({ csr, ...enrolToken }, this.#bundle, shown);
    } catch (error) {
      this.planeNotTrusted();
      return { why: error instanceof Error ? error.message : String(error) };
    }
    if (result.kind === "refused") {
      const { reason, text, retryAfterMs } = result.refusal;
      this.#isRefused = reason === "certificate_refused" || reason === "no_evidence";
      const why = `${reason}: ${text}`;
      return retryAfterMs === undefined ? { why } : { why, retryAfterMs };
    }
    const parsed = parseBundle(result.answer.bundle);
    if (parsed.kind === "invalid") return { why: `the roots of the answer are unusable: ${parsed.fault}` };
    const bundle = this.#isBundleFollowed ? this.#bundle : parsed.bundle;
    const accepted = acceptChain(key, result.answer.chain, {
      bundle,
      trustDomain,
      now: timers.wallClock(),
      id,
    });
    // The token is another's: asking often would only use it up.
    if (accepted.kind === "refused" && accepted.reason === "other_identity") {
      return { why: `the token is for another identity than ${id}`, retryAfterMs: OTHER_IDENTITY_RETRY_MS };
    }
    if (accepted.kind === "refused")
      return { why: `the certificate of the answer is refused: ${accepted.reason}` };
    await this.#onSecret(accepted.svid, bundle);
    this.#svid = accepted.svid;
    if (!this.#isBundleFollowed) this.#bundle = bundle;
    return undefined;
  }

  #succeeded(): void {
    this.#counts.success += 1;
    this.#failures = 0;
    this.#lastFailure = "";
    this.#isRefused = false;
    this.#enrolled.resolve();
    const wanted = this.#wanted;
    if (wanted !== undefined && this.#svid?.root !== wanted.root) {
      // Asked for before the root changed.
      this.#sleep(this.#options.timers.random() * REISSUE_SPREAD_MS, () => this.#ask());
      return;
    }
    this.#wanted = undefined;
    wanted?.done();
    this.#awaitRenewal(this.#options.timers.random());
  }

  #failed(why: string, retryAfterMs = 0): void {
    const { timers, warn } = this.#options;
    this.#counts.failure += 1;
    this.#failures += 1;
    if (why !== this.#lastFailure) warn(`no new certificate: ${why}`);
    this.#lastFailure = why;
    const delay = Math.max(retryAfterMs, retryDelayMs(this.#failures, timers.random()));
    this.#sleep(delay, () => this.#ask());
  }

  #awaitRenewal(random: number): void {
    const svid = this.#svid;
    if (svid === undefined) return;
    const delay = renewalDelayMs(svid, this.#options.timers.wallClock(), random);
    if (delay > LOOK_MS) this.#sleep(LOOK_MS, () => this.#awaitRenewal(random));
    else this.#sleep(delay, () => this.#ask());
  }

  #sleep(ms: number, run: () => void): void {
    this.#cancel();
    if (!this.#isClosed) this.#cancel = this.#options.timers.after(ms, run);
  }
}
