/** A peer that is a Node program beside this file, given the two origin ports. */
import { join } from "node:path";
import { PROXY_CPU, start } from "../children.ts";
import { announced } from "./announced.ts";
import type { Peer } from "./peer.ts";

export function nodePeer(name: string, file: string): Peer {
  return {
    name,
    missing: () => undefined,
    start: async ({ originA, originB }) => {
      const program = join(import.meta.dirname, file);
      const child = start([process.execPath, program, String(originA), String(originB)], PROXY_CPU);
      return { child, port: await announced(child, "port") };
    },
  };
}
