/**
 * Starts a sidecar's process lean. Three things can't be changed once Node runs: the type stripper, 29 MB together
 * with a traffic loop's copy once it has been loaded; how glibc keeps memory; the size of the young generation. So a
 * process that was not started with them right becomes one that was: execve keeps pid, parent and standard streams, and
 * costs about 50 ms. Measured in docs/decisions/0004-sidecar-memory.md.
 */
import { enableCompileCache, flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

/** A control thread allocates little, so a young generation of 3 × 1 MB is plenty; `gc` is called once, after the start. */
const NODE_FLAGS = ["--max-semi-space-size=1", "--expose-gc"] as const;
/**
 * One arena for the control thread, one for the loops: freed memory of one thread is used again by another. What is free
 * at the top of the heap goes back to the system from 64 KiB on, not only from what the largest block has ever been. V8's
 * compilers take 32 KiB at a time: mapped each by itself, they go back where they would leave holes between what stays.
 * Nothing on the way of a byte is as large.
 */
const MALLOC = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "32768",
  MALLOC_TRIM_THRESHOLD_: "65536",
  MALLOC_TOP_PAD_: "0",
} as const;
/** Set in a process that has been restarted, and says why: never twice for the same reason. */
const MARK = "WEFT_LEAN";

/**
 * Where stripped sources are kept: inside the installation, writable by its owner alone. A build goes without: Node holds all that it
 * has from the cache as long as the process lives.
 */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/weft-compile", import.meta.url));
const CACHE_ENV: Readonly<Record<string, string>> = import.meta.url.endsWith(".ts")
  ? { NODE_COMPILE_CACHE: CACHE }
  : {};

/** What a supervisor starts a sidecar with, so that the sidecar need not restart itself. */
export function leanStart(): {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  return { flags: NODE_FLAGS, env: { ...MALLOC, ...CACHE_ENV } };
}

/**
 * Restarts this process lean, if it is not and nothing stands in the way: once for flags and environment, and once more
 * if sources had to be stripped. `load` imports what this thread will need and, if the cache is cold, `loadRest` what
 * others will, so that the cache holds it all (it is another for each set of V8's flags). Returns if the process stays
 * as it is.
 */
export async function becomeLean(
  load: () => Promise<unknown>,
  loadRest: () => Promise<unknown>,
): Promise<void> {
  if (process.execve === undefined) return;
  const mark = process.env[MARK];
  const isStartedRight =
    NODE_FLAGS.every(isGiven) && Object.keys(MALLOC).every((name) => name in process.env);
  if (!isStartedRight && mark === undefined) restart("started");
  const cache = process.env["NODE_COMPILE_CACHE"] ?? CACHE_ENV["NODE_COMPILE_CACHE"];
  if (cache !== undefined) enableCompileCache(cache);
  await load();
  if (!hasTypeStripper() || mark === "cached") return;
  await loadRest();
  flushCompileCache();
  restart("cached");
}

function restart(mark: "started" | "cached"): void {
  const [script = "", ...args] = process.argv.slice(1);
  const flags = [
    ...process.execArgv.filter((flag) => !/^--(max-semi-space-size|expose-gc)/.test(flag)),
    ...NODE_FLAGS,
  ];
  const env = { ...MALLOC, ...CACHE_ENV, ...process.env, [MARK]: mark };
  process.execve?.(process.execPath, [process.execPath, ...flags, script, ...args], env);
}

function isGiven(flag: string): boolean {
  return process.execArgv.includes(flag) || (process.env["NODE_OPTIONS"] ?? "").split(" ").includes(flag);
}

/** Whether a TypeScript source has been stripped in this process rather than read from the cache. */
function hasTypeStripper(): boolean {
  const { moduleLoadList } = process as { moduleLoadList?: readonly string[] };
  return moduleLoadList?.some((name) => name.includes("deps/amaro")) ?? false;
}
