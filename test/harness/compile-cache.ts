/**
 * Where Node keeps what it has made of our sources for the processes that tests start: without types, and compiled. To strip them anew is
 * more than half of what the start of a command costs, and the tests start some hundreds. `vitest.config.ts` puts it into the environment
 * that they inherit; who gives an environment of his own adds `COMPILE_CACHE` to it.
 */
import { chownSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../node_modules/.cache/weft-tests", import.meta.url));

export const COMPILE_CACHE = { NODE_COMPILE_CACHE: FOLDER } as const;

/** That of processes of another user, which may not write ours. To be called as root. */
export function compileCacheOf(uid: number): Readonly<Record<string, string>> {
  const folder = `${FOLDER}-${uid}`;
  mkdirSync(folder, { recursive: true });
  chownSync(folder, uid, uid);
  return { NODE_COMPILE_CACHE: folder };
}
