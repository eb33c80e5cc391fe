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
  /** Another root signs, or others are trusted: sidecars must hear of it. */
  readonly onPhase: (phase: Rotation["phase"]) => void;
  readonly onError: (error: unknown) => void;
  /** How long after the start a rotation found under way waits for sidecars, in milliseconds. */
  readonly settleMs: number;
}

export class RotationDriver {
  readonly #options: RotationDriverOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RotationDriverOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier process left. */
  start(): void {
    if (this.#options.authority.rotation.phase !== "steady") this.#lookIn(this.#options.settleMs);
  }

  /** False while one is under way. Throws the system's error where the step can't be written. */
  begin(): boolean {
    if (!this.#options.authority.beginRotation(Date.now())) return false;
    this.#entered("distributing");
    return true;
  }

  /** Back to the old root; false once the new one signs. */
  abandon(): boolean {
    if (!this.#options.authority.abandonRotation()) return false;
    this.close();
    this.#options.onPhase("steady");
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    const { authority, isConfirmed, onError } = this.#options;
    try {
      const advance = authority.advanceRotation(isConfirmed, Date.now());
      if (advance.kind === "advanced") this.#entered(advance.phase);
      else if (advance.kind === "waiting") this.#lookIn(LOOK_MS);
    } catch (error) {
      // A full disk: what was, is; tried again.
      onError(error);
      this.#lookIn(this.#options.settleMs);
    }
  }

  #entered(phase: Rotation["phase"]): void {
    this.#options.onPhase(phase);
    if (phase !== "steady") this.#lookIn(LOOK_MS);
  }
}
