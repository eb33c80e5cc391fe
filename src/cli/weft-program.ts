/** How a command starts Weft's own programs: on the Node that it runs on, sidecars lean. */
import { fileURLToPath } from "node:url";
import type { WeftProgram } from "../local/process-specs.ts";
import { leanStart } from "./lean.ts";

export function weftProgram(): WeftProgram {
  const { flags, env } = leanStart();
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return {
    node: process.execPath,
    entry: fileURLToPath(new URL(`./main.${extension}`, import.meta.url)),
    sidecarFlags: flags,
    sidecarEnv: env,
  };
}
