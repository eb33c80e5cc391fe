/** What crosses from a traffic loop to the control thread of one mirrored request: plain data, bounded by its settings. */
import type { MirrorComparison } from "../../discovery/mirror-comparison.ts";

export type MirrorSample = {
  /** Name of the rule that mirrored it. */
  readonly route: string;
  /** That the copy went to. */
  readonly cluster: string;
  readonly settings: MirrorComparison;
} & (
  | { readonly kind: "both"; readonly real: ResponseSample; readonly mirror: ResponseSample }
  /** The mirror gave no whole response. */
  | { readonly kind: "failed" }
  /** The real exchange was cut off, so that there is nothing to compare with. */
  | { readonly kind: "incomplete" }
);

export interface ResponseSample {
  readonly status: number;
  /** In the order of the settings; null: there is none of that name. */
  readonly headers: readonly (string | null)[];
  /** `Content-Encoding`; empty: none. */
  readonly encoding: string;
  /** Without the framing of its transfer; null: larger than the bound, or bodies are not compared. */
  readonly body: Uint8Array | null;
  /** Weft's own answer: there was none of an application's. */
  readonly isOwn: boolean;
}
