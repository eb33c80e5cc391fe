/** nginx: the proxy most people compare with. */
import { join } from "node:path";
import { binaryPeer } from "./binary.ts";

export const nginxCommand = (program: string, config: string, dir: string): string[] => [
  program,
  "-c",
  config,
  "-p",
  dir,
  "-e",
  join(dir, "error.log"),
];

export const nginx = binaryPeer("nginx", "nginx.conf", nginxCommand);
