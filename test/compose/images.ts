/** The image of deploy/image/Dockerfile, built by the engine on images made here. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Engine } from "./engine.ts";
import { baseImage, nodeImage } from "./local-images.ts";

const ROOT = join(import.meta.dirname, "../..");

export const WEFT = "weft-test:latest";
/** Stands in for node:26-slim, also under the example's programs. */
export const NODE = "weft-test-node:latest";
const BASE = "weft-test-base:latest";

export function buildImages(engine: Engine): void {
  engine.docker(["import", "-", BASE], { input: baseImage() });
  // What this machine trusts is in the image's store; npm must be told to look there.
  engine.docker(["import", "--change", "ENV NODE_USE_SYSTEM_CA=1", "-", NODE], { input: nodeImage() });
  const { stdout } = spawnSync("npm", ["config", "get", "registry"], { encoding: "utf8" });
  const given = { NODE_IMAGE: NODE, BASE_IMAGE: BASE, NPM_CONFIG_REGISTRY: stdout.trim() };
  const flags = Object.entries(given).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  const file = join(ROOT, "deploy/image/Dockerfile");
  engine.docker(["build", "--quiet", "--network", "host", ...flags, "--file", file, "--tag", WEFT, ROOT]);
}

/** Bytes of an image. */
export function sizeOf(engine: Engine, image: string): number {
  return Number(engine.docker(["image", "inspect", "--format", "{{.Size}}", image]));
}
