/** What `weft run` is to do, once its flags have been read. */
import type { Range } from "./subnet.ts";

export interface RunSettings {
  /** Absent: the command is told of its sidecar, and nothing is intercepted. */
  readonly transparent?: TransparentSettings;
  readonly service: string;
  readonly namespace: string;
  /** Unique among the workloads of the namespace. */
  readonly workload: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where the command listens; absent: nobody calls it. */
  readonly port?: number;
  /** `HOST:PORT`. */
  readonly controlPlane: string;
  /** How the sidecar proves itself and verifies the control plane; absent: without TLS. */
  readonly trust?: {
    /** Roots, PEM: a file that is followed, or their text. */
    readonly bundle:
      | { readonly kind: "file"; readonly path: string }
      | { readonly kind: "text"; readonly pem: string };
    readonly domain: string;
    /** Absent: the token is in the environment, `joinToken`. */
    readonly tokenFile?: string;
  };
  readonly joinToken?: string;
  /** Where others reach the sidecar; absent: where this machine reaches the control plane from. */
  readonly address?: string;
  /** 0: a free one. */
  readonly inboundPort: number;
  /** How long the sidecar may take until it is ready, in milliseconds. */
  readonly waitMs: number;
  /** Where the sidecar's messages go: a file, `-` for standard error; absent: nowhere, once it is ready. */
  readonly sidecarLog?: string;
  readonly isQuiet: boolean;
}

/** What else `--transparent` needs to know. */
export interface TransparentSettings {
  /** Whom the command runs as; absent: who called sudo, else root. */
  readonly user?: string;
  /** Addresses of the namespace are taken from there. */
  readonly range: Range;
  /** The host's forwarding may be switched on. */
  readonly mayForward: boolean;
  /** Absent: the host's. */
  readonly resolvers?: readonly string[];
}

/** Nothing was started, or it has been ended again; with the reason, and what to do about it. */
export class RunError extends Error {
  readonly hints: readonly string[];

  constructor(message: string, hints: readonly string[] = []) {
    super(message);
    this.name = "RunError";
    this.hints = hints;
  }
}
