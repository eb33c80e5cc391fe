/** Where `weft control-plane` takes resources from: the flags about it, and the source that they mean. */
import { readFileSync } from "node:fs";
import type { Log } from "../control-plane/log.ts";
import type { ControlPlaneOptions, SourceOptions } from "../control-plane/server.ts";
import { usageError } from "./exit.ts";

export interface SourceFlags {
  readonly source: "files" | "kubernetes";
  readonly ownNamespace: string;
  readonly config?: string;
  readonly addresses?: string;
}

/** Checked here and not by commander, which would name it before an option that does not exist. */
export function checkSourceFlags({ source, config, addresses }: SourceFlags): void {
  if (source === "files" && config === undefined) {
    throw usageError("say where the resources are: --config DIR, or --source kubernetes");
  }
  const given = config !== undefined ? "--config" : addresses !== undefined ? "--addresses" : undefined;
  if (source === "kubernetes" && given !== undefined) {
    throw usageError(`${given} is for --source files alone`);
  }
}

export interface OpenedSource {
  readonly options: SourceOptions & Pick<ControlPlaneOptions, "released">;
  /** Whether this replica does what only one may do. */
  readonly leads: () => boolean;
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
    return { options, leads: () => true, close: async () => {} };
  }
  const { openCluster } = await import("../control-plane/source/kubernetes/cluster.ts");
  const cluster = await openCluster(flags.ownNamespace, log, () => readOptional(bundleFile));
  const { source } = cluster;
  const isSynced = await Promise.race([source.synced.then(() => true), isOver.then(() => false)]);
  if (!isSynced) {
    await cluster.close();
    return undefined;
  }
  source.rescan();
  const released: OpenedSource["options"]["released"] = (...what) => cluster.released(...what);
  return { options: { source, released }, leads: () => cluster.isLeader, close: () => cluster.close() };
}

/** A file that may not be there yet. */
function readOptional(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
