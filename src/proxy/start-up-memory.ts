/**
 * What starting a thread leaves behind (compiled module bodies, parser memory, half-empty heap pages) is a third of what
 * an idle sidecar holds, and V8 collects it only when it has allocated much more. One thorough collection, before there
 * is traffic to delay, gives it back: 5 MB of 29 for two threads, in 15 ms each (docs/decisions/0004-sidecar-memory.md).
 */

/** Collects all garbage of this thread at once; does nothing where Node runs without `--expose-gc`. */
export function releaseStartUpMemory(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
