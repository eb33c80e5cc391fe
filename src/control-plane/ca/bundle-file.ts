/** The trusted roots as a file that everybody may read: no secret, and what a sidecar verifies its first connection with. */
import { mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { writeFlushed } from "../source/atomic-write.ts";

/** Replaces the file, making its directory where there is none. Throws the system's error. */
export function writeBundleFile(path: string, pem: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFlushed(draft, pem, 0o644);
  renameSync(draft, path);
}
