/** nginx and HAProxy: programs from PATH, with a configuration file filled in and a port chosen beforehand. */
import { join } from "node:path";
import { findProgram, PROXY_CPU, start } from "../children.ts";
import { fill, freePort, waitForPort } from "../ports.ts";
import type { Peer } from "./peer.ts";

/** A peer that is one program with one configuration file; `command` gets the program, the file and the directory. */
export function binaryPeer(
  name: string,
  template: string,
  command: (program: string, config: string, dir: string) => string[],
  find: () => string | undefined = () => findProgram(name),
  missing: (fetch: boolean) => string | undefined = () =>
    find() === undefined ? `${name} is not on PATH` : undefined,
): Peer {
  return {
    name,
    missing,
    start: async ({ dir, originA, originB }) => {
      const port = await freePort();
      const config = fill(join("peers", template), dir, { DIR: dir, PORT: port, A: originA, B: originB });
      const child = start(command(find() ?? name, config, dir), PROXY_CPU);
      await waitForPort(port, child);
      return { child, port };
    },
  };
}
