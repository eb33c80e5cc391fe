/**
 * Drives a change of roots: asks again and again whether every sidecar has confirmed the phase, and takes the next step.
 * A control plane that starts in the midst of one goes on with it, after the sidecars have had time to come back: before,
 * nobody is connected and nobody would be waited for.
 */
import type { EmbeddedAuthority } from "./embedded-authority.ts";
import type { Rotation } from "./rotation.ts";

/** How often sidecars' confirmations are looked at. */
const LOOK_MS = 50;

export interface RotationDriverOptions {
  readonly authority: EmbeddedAuthority;
  /** Whether every sidecar has confirmed what it was last sent. */
  readonly isConfirmed: () => boolean;
  /** Whether this replica is the one that takes steps. */
  readonly mayAdvance: () => boolean;
  /** Another root signs, or others are trusted: sidecars must hear of it. */
  readonly onPhase: (phase: Rotation["phase"]) => void;
  readonly onError: (error: unknown) => void;
  /** How long after the start a rotation found under way waits for sidecars, in milliseconds. */
  readonly settleMs: number;
}

export class RotationDriver {
  readonly #options: RotationDriverOptions;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RotationDriverOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier process left, or another replica. */
  start(): void {
    if (this.#options.authority.rotation.phase !== "steady") this.#lookIn(this.#options.settleMs);
  }

  /** False while one is under way. Rejects with the system's error where the step can't be written. */
  async begin(): Promise<boolean> {
    if (!(await this.#options.authority.beginRotation(Date.now()))) return false;
    this.#entered("distributing");
    return true;
  }

  /** Back to the old root; false once the new one signs. */
  async abandon(): Promise<boolean> {
    if (!(await this.#options.authority.abandonRotation())) return false;
    clearTimeout(this.#timer);
    this.#options.onPhase("steady");
    return true;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#look(), ms).unref();
  }

  async #look(): Promise<void> {
    const { authority, isConfirmed, mayAdvance, onError, settleMs } = this.#options;
    if (!mayAdvance()) {
      if (authority.rotation.phase !== "steady") this.#lookIn(settleMs);
      return;
    }
    try {
      const advance = await authority.advanceRotation(isConfirmed, Date.now());
      if (advance.kind === "advanced") this.#entered(advance.phase);
      else if (advance.kind === "waiting") this.#lookIn(LOOK_MS);
    } catch (error) {
      // A full disk: what was, is; tried again.
      onError(error);
      this.#lookIn(settleMs);
    }
  }

  #entered(phase: Rotation["phase"]): void {
    this.#options.onPhase(phase);
    if (phase !== "steady") this.#lookIn(LOOK_MS);
  }
}
