/**
 * Builds a cluster's programs with Go, from modules whose sums stand in `programs/go.sum`: some ten minutes and 3 GB of Go's caches the
 * first time, seconds afterwards. Nothing is fetched but from Go's module proxy.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fetchGatewayDefinitions } from "./gateway-api.ts";
import {
  arePrograms,
  goEnvironment,
  kubernetesVersion,
  PROGRAMS,
  programsFolder,
  SOURCE,
} from "./programs.ts";

/** Compilers at once: each may need 1 GB. */
const MOST_COMPILERS = 4;
const BINARY = "cluster";

/** Throws where Go is missing or fails. Returns the folder. */
export function buildPrograms(): string {
  const folder = programsFolder();
  if (arePrograms()) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(`${folder}.`);
  try {
    fetchGatewayDefinitions(fresh);
    compile(join(fresh, BINARY));
    for (const name of PROGRAMS) symlinkSync(BINARY, join(fresh, name));
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

function compile(output: string): void {
  const version = kubernetesVersion();
  const [major, minor] = version.split(".");
  const facts = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  const stamped = Object.entries(facts).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  const compilers = String(Math.min(availableParallelism(), MOST_COMPILERS));
  const flags = ["-p", compilers, "-trimpath", "-mod=readonly"];
  // Nobody debugs them.
  const lean = ["-gcflags=all=-dwarf=false", `-ldflags=${["-s", "-w", ...stamped].join(" ")}`];
  const args = ["-n", "10", "go", "build", ...flags, ...lean, "-o", output, "."];
  const { status, error } = spawnSync("nice", args, {
    cwd: SOURCE,
    env: goEnvironment(),
    stdio: ["ignore", 2, 2],
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`go build ended with ${status}`);
}
