/**
 * Starts a sidecar's process lean. Three things can't be changed once Node runs: the type stripper, 29 MB together
 * with a traffic loop's copy once it has been loaded; glibc's arenas, of which each thread takes one; the size of the
 * young generation. So a process that was not started with them right becomes one that was: execve keeps pid, parent
 * and standard streams, and costs about 50 ms. Measured in docs/decisions/0004-sidecar-memory.md.
 */
import { enableCompileCache, flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

/** A control thread allocates little; a young generation of 3 × 1 MB is plenty. */
const NODE_FLAGS = ["--max-semi-space-size=1"] as const;
/** One arena for the control thread, one for the loops: freed memory of one thread is used again by another. */
const ARENAS = { MALLOC_ARENA_MAX: "2" } as const;
/** Set in the process that has been restarted: never twice. */
const MARK = "WEFT_LEAN";

/** Where stripped and compiled sources are kept: inside the installation, writable by its owner alone. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/weft-compile", import.meta.url));

/** What a supervisor starts a sidecar with, so that the sidecar need not restart itself. */
export function leanStart(): {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  return { flags: NODE_FLAGS, env: { ...ARENAS, NODE_COMPILE_CACHE: CACHE } };
}

/**
 * Restarts this process lean, if it is not and nothing stands in the way. `load` imports what the process will need,
 * so that the stripped sources are in the cache by then. Returns if the process stays as it is.
 */
export async function becomeLean(load: () => Promise<unknown>): Promise<void> {
  if (process.env[MARK] !== undefined || process.execve === undefined) return;
  enableCompileCache(process.env["NODE_COMPILE_CACHE"] ?? CACHE);
  await load();
  const isStartedRight = NODE_FLAGS.every(isGiven) && process.env["MALLOC_ARENA_MAX"] !== undefined;
  if (isStartedRight && !hasTypeStripper()) return;
  flushCompileCache();
  const [script = "", ...args] = process.argv.slice(1);
  const flags = [
    ...process.execArgv.filter((flag) => !flag.startsWith("--max-semi-space-size")),
    ...NODE_FLAGS,
  ];
  const env = { ...ARENAS, NODE_COMPILE_CACHE: CACHE, ...process.env, [MARK]: "1" };
  process.execve(process.execPath, [process.execPath, ...flags, script, ...args], env);
}

function isGiven(flag: string): boolean {
  return process.execArgv.includes(flag) || (process.env["NODE_OPTIONS"] ?? "").split(" ").includes(flag);
}

/** Whether a TypeScript source has been stripped in this process rather than read from the cache. */
function hasTypeStripper(): boolean {
  const { moduleLoadList } = process as { moduleLoadList?: readonly string[] };
  return moduleLoadList?.some((name) => name.includes("deps/amaro")) ?? false;
}
