/** nginx: the proxy most people compare with. */
import { join } from "node:path";
import { binaryPeer, programOnPath } from "./binary.ts";

export const NGINX = programOnPath("nginx", (program, config, dir) => [
  program,
  "-c",
  config,
  "-p",
  dir,
  "-e",
  join(dir, "error.log"),
]);

export const nginx = binaryPeer(NGINX, "nginx.conf");
