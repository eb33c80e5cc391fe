/**
 * `.weft/up.json`: how `weft status` in a second terminal finds the mesh that `weft up` runs. Written to the current
 * directory and to the user's folder for temporary files, so that it is found from elsewhere too; read from the current
 * directory upwards, as git does. A file whose process is gone is ignored.
 */
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeJsonAtomically } from "./atomic-file.ts";

export interface RunFile {
  /** Process id of the supervisor. */
  readonly pid: number;
  /** Base URL of the control plane's HTTP API. */
  readonly api: string;
  /** `HOST:PORT` for sidecars. */
  readonly discovery: string;
  /** The directory that the mesh was started from. */
  readonly directory: string;
}

/** Where `write` puts it for a process in `cwd`. */
export function runFilePaths(cwd: string): readonly string[] {
  // Not os.userInfo(), which throws where the user has no name, as in most containers.
  return [join(cwd, ".weft", "up.json"), join(tmpdir(), `weft-${process.getuid?.() ?? -1}`, "up.json")];
}

/** Announces a mesh. A folder that can't be written to is left out. */
export function writeRunFile(cwd: string, content: RunFile): void {
  for (const path of runFilePaths(cwd)) {
    try {
      writeJsonAtomically(path, content);
    } catch {
      // A read-only directory: the other place remains, and --api always works.
    }
  }
}

/** Takes the announcement back, unless another mesh has replaced it. */
export function removeRunFile(cwd: string, pid: number): void {
  for (const path of runFilePaths(cwd)) {
    if (readRunFile(path)?.pid === pid) rmSync(path, { force: true });
  }
}

/** The mesh that runs in `cwd` or a folder above it, or else the one this user started last. */
export function findRunFile(cwd: string): { readonly path: string; readonly run: RunFile } | undefined {
  const paths: string[] = [];
  for (let folder = cwd; ; folder = dirname(folder)) {
    paths.push(join(folder, ".weft", "up.json"));
    if (folder === dirname(folder)) break;
  }
  paths.push(...runFilePaths(cwd).slice(1));
  for (const path of paths) {
    const run = readRunFile(path);
    if (run !== undefined && isAlive(run.pid)) return { path, run };
  }
  return undefined;
}

function readRunFile(path: string): RunFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const { pid, api, discovery, directory } = value as Partial<RunFile>;
    if (typeof pid !== "number" || typeof api !== "string" || typeof directory !== "string") return undefined;
    return typeof discovery === "string" ? { pid, api, discovery, directory } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process with this id exists, also one that is not ours to signal. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
