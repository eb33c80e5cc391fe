/** The definitions of routes, which are the Gateway API's and not ours, out of its Go module. */
import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { goEnvironment, programsFolder } from "./programs.ts";

const MODULE = "sigs.k8s.io/gateway-api@v1.6.3";
/** As in a go.sum: of all of the module's files. */
const SUM = "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=";
const FILES = ["httproutes", "tcproutes"].map((plural) => `gateway.networking.k8s.io_${plural}.yaml`);

/** Paths of the definitions, where the programs have been built. */
export function gatewayDefinitions(): readonly string[] {
  return FILES.map((file) => join(programsFolder(), file));
}

/** Puts the definitions into `folder`. */
export function fetchGatewayDefinitions(folder: string): void {
  const { stdout, error } = spawnSync("go", ["mod", "download", "-json", MODULE], {
    env: goEnvironment(),
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  const { Dir, Sum, Error: fault } = JSON.parse(stdout) as { Dir?: string; Sum?: string; Error?: string };
  if (Dir === undefined || Sum !== SUM) throw new Error(`${MODULE}: ${fault ?? `its sum is ${Sum}`}`);
  for (const file of FILES) copyFileSync(join(Dir, "config/crd/standard", file), join(folder, file));
}
