/** The definition of HTTPRoute, which is the Gateway API's and not ours, out of its Go module. */
import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { goEnvironment, programsFolder } from "./programs.ts";

const MODULE = "sigs.k8s.io/gateway-api@v1.6.3";
/** As in a go.sum: of all of the module's files. */
const SUM = "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=";
const FILE = "gateway.networking.k8s.io_httproutes.yaml";

/** Path of the definition, where the programs have been built. */
export function httpRouteDefinition(): string {
  return join(programsFolder(), FILE);
}

/** Puts the definition into `folder`. */
export function fetchHttpRouteDefinition(folder: string): void {
  const { stdout, error } = spawnSync("go", ["mod", "download", "-json", MODULE], {
    env: goEnvironment(),
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  const { Dir, Sum, Error: fault } = JSON.parse(stdout) as { Dir?: string; Sum?: string; Error?: string };
  if (Dir === undefined || Sum !== SUM) throw new Error(`${MODULE}: ${fault ?? `its sum is ${Sum}`}`);
  copyFileSync(join(Dir, "config/crd/standard", FILE), join(folder, FILE));
}
