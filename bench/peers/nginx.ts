/** nginx: the proxy most people compare with. */
import { join } from "node:path";
import { binaryPeer } from "./binary.ts";

export const nginx = binaryPeer("nginx", "nginx.conf", (program, config, dir) => [
  program,
  "-c",
  config,
  "-p",
  dir,
  "-e",
  join(dir, "error.log"),
]);
