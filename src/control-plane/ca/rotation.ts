/**
 * The change of a mesh's root, as a state machine. Nothing breaks in between because each step waits until every sidecar
 * has confirmed the one before:
 *
 *     steady ──begin──▶ distributing ──▶ reissuing ──▶ retiring ──▶ steady
 *                         │ sidecars trust both,   │ the new root signs,  │ sidecars trust
 *                abandon ─┘ the old one signs      │ leaves are renewed   │ the new one alone
 *
 * Pure values; `embedded-authority.ts` keeps them on the disk. Who asks sidecars is the plane.
 */
import type { Root, TrustBundle } from "../../identity/trust-bundle.ts";
import { bundleOf } from "../../identity/trust-bundle.ts";
import type { Signer } from "./signer.ts";

/** A root with its key. */
export interface SigningRoot {
  readonly root: Root;
  readonly signer: Signer;
}

export type Rotation =
  | { readonly phase: "steady"; readonly active: SigningRoot }
  | Timed<{ readonly phase: "distributing"; readonly active: SigningRoot; readonly incoming: SigningRoot }>
  /** The old root's key is gone: it has nothing to sign any more. */
  | Timed<{ readonly phase: "reissuing"; readonly active: SigningRoot; readonly outgoing: Root }>
  | Timed<{ readonly phase: "retiring"; readonly active: SigningRoot }>;

/** `since`: when the phase began, ms since 1970. */
type Timed<T> = T & { readonly since: number };

/** What every sidecar must have confirmed before the next step. */
export type Confirmation =
  /** It trusts exactly the bundle of this digest. */
  | { readonly kind: "bundle"; readonly digest: string }
  /** Its leaf stands under the root of this fingerprint. */
  | { readonly kind: "leaf"; readonly root: string };

/** What sidecars are to trust now. */
export function trusted(rotation: Rotation): TrustBundle {
  switch (rotation.phase) {
    case "steady":
    case "retiring":
      return bundleOf([rotation.active.root]);
    case "distributing":
      return bundleOf([rotation.active.root, rotation.incoming.root]);
    case "reissuing":
      return bundleOf([rotation.active.root, rotation.outgoing]);
  }
}

/** What the step after this phase waits for; undefined where there is none. */
export function awaited(rotation: Rotation): Confirmation | undefined {
  switch (rotation.phase) {
    case "steady":
      return undefined;
    case "distributing":
    case "retiring":
      return { kind: "bundle", digest: trusted(rotation).digest };
    case "reissuing":
      return { kind: "leaf", root: rotation.active.root.fingerprint };
  }
}

/** Starts the change to another root; undefined while one is under way. */
export function begin(rotation: Rotation, incoming: SigningRoot, now: number): Rotation | undefined {
  if (rotation.phase !== "steady") return undefined;
  return { phase: "distributing", active: rotation.active, incoming, since: now };
}

/** The state after a confirmed phase. */
export function next(rotation: Rotation, now: number): Rotation {
  switch (rotation.phase) {
    case "steady":
      return rotation;
    case "distributing": {
      const { active, incoming } = rotation;
      return { phase: "reissuing", active: incoming, outgoing: active.root, since: now };
    }
    case "reissuing":
      return { phase: "retiring", active: rotation.active, since: now };
    case "retiring":
      return { phase: "steady", active: rotation.active };
  }
}

/**
 * Whether `later` may follow `known`, in one step or several: then it trusts the root that signs here, or signs with the one that was
 * handed out here.
 */
export function isSuccessor(known: Rotation, later: Rotation): boolean {
  const { fingerprint } = known.active.root;
  if (trusted(later).roots.some((root) => root.fingerprint === fingerprint)) return true;
  return known.phase === "distributing" && later.active.root.fingerprint === known.incoming.root.fingerprint;
}

/** Gives a change up; undefined where the new root has begun to sign, from which on the way out is forward. */
export function abandon(rotation: Rotation): Rotation | undefined {
  return rotation.phase === "distributing" ? { phase: "steady", active: rotation.active } : undefined;
}
