/** Where `weft control-plane` takes resources from: the flags about it, and the source that they mean. */
import { readFileSync } from "node:fs";
import type { Log } from "../control-plane/log.ts";
import type { ControlPlaneOptions, SourceOptions } from "../control-plane/server.ts";
import type { Peers, SharedRoot } from "../control-plane/shared-root.ts";
import { usageError } from "./exit.ts";

export interface SourceFlags {
  readonly source: "files" | "kubernetes";
  readonly ownNamespace: string;
  readonly config?: string;
  readonly addresses?: string;
  readonly caDir?: string;
  readonly caSecret?: string;
  readonly insecure?: boolean;
}

/** Checked here and not by commander, which would name it before an option that does not exist. */
export function checkSourceFlags(flags: SourceFlags): void {
  const { source, config, addresses, caDir, caSecret, insecure } = flags;
  if (source === "files" && config === undefined) {
    throw usageError("say where the resources are: --config DIR, or --source kubernetes");
  }
  const given = config !== undefined ? "--config" : addresses !== undefined ? "--addresses" : undefined;
  if (source === "kubernetes" && given !== undefined) {
    throw usageError(`${given} is for --source files alone`);
  }
  if (caSecret === undefined) return;
  if (source === "files") throw usageError("--ca-secret is for --source kubernetes alone");
  if (caDir !== undefined) throw usageError("say where the CA is: --ca-dir or --ca-secret, not both");
  if (insecure === true) throw usageError("--ca-secret is about certificates: not with --insecure");
}

export interface OpenedSource {
  readonly options: SourceOptions & Pick<ControlPlaneOptions, "released" | "registryPeers">;
  /** Whether this replica does what only one may do. */
  readonly leads: () => boolean;
  /** What replicas need of each other to be one CA; nothing where there is one replica. */
  readonly together: { readonly shared?: SharedRoot; readonly peers?: Peers };
  readonly close: () => Promise<void>;
}

/**
 * The source of the flags, once it has been read; undefined if `isOver` comes first. `bundleFile`: where the mesh's roots are kept;
 * absent: there are none.
 */
export async function openSource(
  flags: SourceFlags,
  log: Log,
  isOver: Promise<void>,
  bundleFile: string | undefined,
): Promise<OpenedSource | undefined> {
  if (flags.source === "files") {
    const { config = "", addresses } = flags;
    const options = { configDir: config, ...(addresses === undefined ? {} : { addressesFile: addresses }) };
    return { options, leads: () => true, together: {}, close: async () => {} };
  }
  const { openCluster } = await import("../control-plane/source/kubernetes/cluster.ts");
  const cluster = await openCluster(flags.ownNamespace, log, () => readOptional(bundleFile));
  const { source } = cluster;
  // A CA that is shared may be read when the others know of this replica: a change of roots must not pass over it. Who has registered
  // with them is to be known before anybody is served.
  const { replicas } = cluster;
  const { announced, tried } = replicas;
  const isOpen = Promise.all([source.synced, flags.caSecret === undefined ? tried : announced]);
  const isSynced = await Promise.race([isOpen.then(() => true), isOver.then(() => false)]);
  if (!isSynced) {
    await cluster.close();
    return undefined;
  }
  source.rescan();
  const released: OpenedSource["options"]["released"] = (...what) => cluster.released(...what);
  const { caSecret, caDir } = flags;
  const together = {
    ...(caSecret === undefined ? {} : { shared: cluster.caIn(caSecret) }),
    // A CA of this process alone is nobody else's business.
    ...(caSecret === undefined && caDir === undefined ? {} : { peers: replicas }),
  };
  const leads = () => cluster.isLeader;
  return {
    options: { source, released, registryPeers: replicas },
    leads,
    together,
    close: () => cluster.close(),
  };
}

/** A file that may not be there yet. */
function readOptional(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
